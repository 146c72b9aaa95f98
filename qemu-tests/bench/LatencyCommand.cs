using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "latency".</summary>
internal static class LatencyCommand
{
    private const int UsualSeconds = 8;

    public static Command Create()
    {
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<int> processors = ProcessorOption.Create();
        Option<int> seconds = new("--seconds") { Description = "how long to measure each time, by the guest's clock", DefaultValueFactory = _ => UsualSeconds };
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<string?> json = new("--json") { Description = "write the figures to this file, too" };
        Option<string?> plot = new("--plot") { Description = "draw the curves into this file (SVG)" };
        Command command = new("latency", """
            Measures what a booting shadow costs the system in the foreground: wake-ups and computing without a shadow and with least shares of 0, 10, 25 and 50 %,
            and how much of an idle system's time a shadow gets. Exit codes: 0 measured and as it must be; 1 not.
            """) { bench, processors, seconds, efi, json, plot };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            LatencyBench latency = new(BenchKinds.Parse(parsed.GetValue(bench)!), parsed.GetValue(processors), parsed.GetValue(seconds), parsed.GetValue(efi)?.FullName ?? Paths.Efi, new StepDisplay());
            try
            {
                latency.Run(cancel);
            }
            finally
            {
                // What was measured before something went wrong is not lost.
                Report(latency, parsed.GetValue(json), parsed.GetValue(plot));
            }
            return latency.Passed ? 0 : 1;
        }, cancel));
        return command;
    }

    private static void Report(LatencyBench latency, string? json, string? plot)
    {
        if (latency.Runs.Count == 0)
            return;
        LatencyTable.Show(latency);
        if (json is not null)
            File.WriteAllText(json, latency.ToJson() + "\n");
        if (plot is not null)
            LatencyPlot.Save(latency, plot);
    }
}
