using Spectre.Console;

namespace Hv.Bench;

/// <summary>Shows what the latency bench has measured.</summary>
internal static class LatencyTable
{
    private const double MicrosecondsPerMillisecond = 1000;

    public static void Show(LatencyBench bench)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title("Beside a booting shadow").Caption("median / 99 of 100 / longest, in milliseconds");
        foreach (string column in new[] { "least share", "processor", "wake-up, idle", "wake-up, busy", "computing", "computing lost", "share given" })
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (LatencyRun run in bench.Runs)
            foreach ((LatencyProcessor processor, LatencyProcessor before) in run.Processors.Zip(bench.Runs[0].Processors))
                table.AddRow(run.Name, $"{processor.Number}", Times(processor.Idle), Times(processor.Busy), Times(processor.Loop), $"{processor.LostPercent(before):F1} %", Share(run));
        AnsiConsole.Write(table);
        foreach (StoryCheck check in bench.Checks)
            AnsiConsole.MarkupLine($"{(check.Passed ? "[green]ok[/]    " : "[red]FAILED[/]")}  {check.Name.EscapeMarkup()} [grey]{check.Detail.EscapeMarkup()}[/]");
    }

    // Of all processors together.
    private static string Share(LatencyRun run) => run.Turns is { } turns ? $"{turns.SharePercent:F1} %" : "-";

    private static string Times(LatencyFigures figures) => $"{Milliseconds(figures.Median)} / {Milliseconds(figures.High)} / {Milliseconds(figures.Longest)}";

    private static string Milliseconds(double microseconds) => (microseconds / MicrosecondsPerMillisecond).ToString("F2");
}
