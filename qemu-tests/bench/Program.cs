using System.CommandLine;
using Hv.Bench;

RootCommand root = new("Runs Hv and its guests in emulators.")
{
    BootCommand.Create(), BootsCommand.Create(), StoryCommand.Create(), DevicesCommand.Create(), NetworkCommand.Create(), LatencyCommand.Create(), PowerLossCommand.Create(), KernelLogCommand.Create(),
    TestReportCommand.Create(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (BenchException e)
{
    Console.Error.WriteLine($"hv: {e.Message}");
    return 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("hv: interrupted");
    return 130;
}
