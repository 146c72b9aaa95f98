using System.Text.Json.Nodes;
using Spectre.Console;

namespace Hv.Bench;

/// <summary>Shows a story's result.</summary>
internal static class StoryTable
{
    public static void Show(StoryResult result)
    {
        Table times = new Table().Border(TableBorder.Rounded).Title("Downtime")
            .AddColumn("").AddColumn(new TableColumn("on the console").RightAligned()).AddColumn(new TableColumn("on the network").RightAligned());
        times.AddRow("ordinary reboot", Seconds(result.Ordinary?.Console), Seconds(result.Ordinary?.OnNetwork));
        times.AddRow("shadow reboot", Seconds(result.Shadow?.Console), Seconds(result.Shadow?.OnNetwork));
        times.AddRow("ratio", Ratio(result.Ordinary?.Console, result.Shadow?.Console), Ratio(result.Ordinary?.OnNetwork, result.Shadow?.OnNetwork));
        times.Caption(Conditions(result.Options));
        AnsiConsole.Write(times);

        Table figures = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn(new TableColumn("").RightAligned()).HideHeaders();
        figures.AddRow("downtime cut", result.CutPercent is { } cut ? $"{cut:F2} %" : "-");
        figures.AddRow("time in the background", Seconds(result.Shadow?.Background));
        figures.AddRow("longest heartbeat gap", result.Shadow is { } shadow ? $"{shadow.LongestGap:F3} s" : "-");
        figures.AddRow("kernel before", result.KernelBefore ?? "-");
        figures.AddRow("kernel after", result.KernelAfter ?? "-");
        figures.AddRow("pages copied", Number(result.StatusNumber("pages_copied")));
        figures.AddRow("pages zero-filled", Number(result.StatusNumber("pages_zero_filled")));
        figures.AddRow("disk blocks in the overlay", Number(result.StatusNumber("overlay_bytes") / 4096) + " (4 KiB)");
        figures.AddRow("Hv.efi", Number(result.ImageBytes) + " bytes");
        figures.AddRow("Hv's memory", Number(result.StatusNumber("hv_memory_bytes")) + " bytes");
        figures.AddRow("pool", Number(result.StatusNumber("pool_bytes")) + " bytes");
        AnsiConsole.Write(figures);

        if (result.Status?["exits"] is JsonObject exits)
            ShowExits(exits);

        foreach (StoryCheck check in result.Checks)
            AnsiConsole.MarkupLine($"{(check.Passed ? "[green]ok[/]    " : "[red]FAILED[/]")}  {check.Name.EscapeMarkup()} [grey]{check.Detail.EscapeMarkup()}[/]");
        if (result.Failure is not null)
            AnsiConsole.MarkupLine($"[red]The story did not come to its end:[/] {result.Failure.EscapeMarkup()}");
        AnsiConsole.MarkupLine(result.Passed ? "[green]passed[/]" : "[red]failed[/]");
    }

    private static void ShowExits(JsonObject exits)
    {
        string[] systems = [.. exits.Select(pair => pair.Key)];
        Table table = new Table().Border(TableBorder.Rounded).Title("Exits").AddColumn("reason");
        foreach (string system in systems)
            table.AddColumn(new TableColumn(system).RightAligned());
        IEnumerable<string> reasons = exits.SelectMany(pair => pair.Value as JsonObject ?? []).Select(pair => pair.Key).Distinct().Order(StringComparer.Ordinal);
        foreach (string reason in reasons)
            table.AddRow([reason.EscapeMarkup(), .. systems.Select(system => Number((long?)exits[system]?[reason]))]);
        AnsiConsole.Write(table);
    }

    private static string Conditions(StoryOptions options) => (options.Processors > 1 ? $"{options.Processors} processors; " : "") + options.Bench switch
    {
        BenchKind.QemuSvm => $"QEMU, tb-size={QemuSvm.TranslationBufferMiB} for both reboots",
        BenchKind.BochsVmx => "Bochs; its guests' idle time passes faster than the clock on the wall",
        _ => "QEMU with KVM",
    };

    private static string Seconds(TimeSpan? time) => time is { } value ? $"{value.TotalSeconds:F2} s" : "-";

    private static string Ratio(TimeSpan? ordinary, TimeSpan? shadow) => ordinary is { } a && shadow is { } b ? $"{a / b:F1}" : "-";

    private static string Number(long? value) => value is { } number ? number.ToString("N0") : "-";
}
