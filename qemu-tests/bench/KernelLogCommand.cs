using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "kernel-log".</summary>
internal static class KernelLogCommand
{
    private const int Unexplained = 3;

    public static Command Create()
    {
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<int> processors = ProcessorOption.Create();
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<DirectoryInfo?> from = new("--from") { Description = "compare the logs in this folder, which an earlier run has left, and boot nothing" };
        Option<string?> page = new("--page") { Description = "update the machine's section in this file, too (docs/KERNEL-LOG.md)" };
        Option<string?> json = new("--json") { Description = "write the differences to this file, too" };
        Command command = new("kernel-log", "Boots the small guest without Hv and under it, compares what its kernel says, and explains each difference. " +
            $"Exit status: 0 if every difference has an explanation, {Unexplained} if one has none, 1 if a boot failed or something is missing.")
        {
            bench, processors, efi, from, page, json,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            BenchKind kind = BenchKinds.Parse(parsed.GetValue(bench)!);
            if (kind == BenchKind.Kvm && QemuKvm.WhyNot() is { } reason)
                throw new BenchException(reason);
            KernelLogBench run = new(kind, parsed.GetValue(processors), new StepDisplay());
            if (parsed.GetValue(from) is { } folder)
                run.Run(folder.FullName);
            else
                run.Run(parsed.GetValue(efi)?.FullName ?? Paths.Efi, cancel);
            Show(run);
            if (parsed.GetValue(page) is { } path)
                File.WriteAllText(path, KernelLogPage.Write(run, File.Exists(path) ? File.ReadAllText(path) : ""));
            if (parsed.GetValue(json) is { } file)
                File.WriteAllText(file, run.ToJson() + "\n");
            return run.Comparison.Unexplained.Count == 0 ? 0 : Unexplained;
        }, cancel));
        return command;
    }

    private static void Show(KernelLogBench run)
    {
        KernelLogComparison comparison = run.Comparison;
        foreach ((KernelLogExplanation explanation, List<KernelLogDifference> differences) in comparison.Explained)
        {
            differences.ForEach(Console.WriteLine);
            Console.WriteLine($"    {explanation.Why}\n");
        }
        Console.WriteLine($"{comparison.Same} lines are the same, {comparison.Differences.Count} differ, {comparison.Unexplained.Count} of them without an explanation; both logs are in {run.Folder}");
        if (comparison.Unexplained.Count == 0)
            return;
        Console.Error.WriteLine("hv: these differences have no explanation; find the cause, and add it to qemu-tests/bench/KernelLogExplanations.cs:");
        foreach (KernelLogDifference difference in comparison.Unexplained)
            Console.Error.WriteLine(difference);
    }
}
