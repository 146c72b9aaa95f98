using System.CommandLine;
using Spectre.Console;

namespace Hv.Bench;

/// <summary>The command "boots".</summary>
internal static class BootsCommand
{
    public static Command Create()
    {
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<int> processors = ProcessorOption.Create();
        Option<int> times = new("--times") { Description = "how many boots", DefaultValueFactory = _ => 20 };
        Option<int> limit = new("--limit") { Description = "seconds after which a guest that is not up has failed (default: 120 on QEMU with one processor, longer on slower machines)" };
        foreach (Option<int> option in new[] { times, limit })
            option.Validators.Add(result =>
            {
                if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() < 1)
                    result.AddError($"{option.Name} must be 1 or more.");
            });
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<string?> json = new("--json") { Description = "write the figures to this file, too" };
        Command command = new("boots", "Boots the small guest under Hv many times, each time on a fresh machine: each boot must come up in time, with all processors, " +
            "a kernel log without complaints and no fault of Hv's. It stops at the first one that does not. Exit status: 0 if all boots were as they must be, 1 if one was not or something is missing.")
        {
            bench, processors, times, limit, efi, json,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            BenchKind kind = BenchKinds.Parse(parsed.GetValue(bench)!);
            if (kind == BenchKind.Kvm && QemuKvm.WhyNot() is { } reason)
                throw new BenchException(reason);
            int count = parsed.GetValue(processors);
            TimeSpan allowed = parsed.GetValue(limit) is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : FreshBoot.UsualLimit(kind, count);
            BootsRun run = new(kind, count, allowed, parsed.GetValue(efi)?.FullName ?? Paths.Efi, new StepDisplay());
            run.Run(parsed.GetValue(times), cancel);
            Show(run, kind, count);
            if (parsed.GetValue(json) is { } path)
                File.WriteAllText(path, run.ToJson() + "\n");
            if (run.Failure is not null)
                Console.Error.WriteLine($"hv: boot {run.Boots.Count + 1} failed: {run.Failure}");
            return run.Passed ? 0 : 1;
        }, cancel));
        return command;
    }

    private static void Show(BootsRun run, BenchKind kind, int processors)
    {
        Table table = new Table().Border(TableBorder.Rounded).Title("Boots").Caption($"{kind.Name()}, {processors} {(processors == 1 ? "processor" : "processors")}");
        foreach (string name in new[] { "boot", "up after", "processors", "kernel log", "complaints", "exits" })
            table.AddColumn(new TableColumn(name).RightAligned());
        for (int i = 0; i < run.Boots.Count; i++)
        {
            BootFigures boot = run.Boots[i];
            table.AddRow($"{i + 1}", $"{boot.Up.TotalSeconds:F2} s", $"{boot.Processors}", $"{boot.LogLines} lines", $"{boot.Complaints.Count}", $"{boot.Exits:N0}");
        }
        AnsiConsole.Write(table);
        AnsiConsole.MarkupLine(run.Passed ? "[green]passed[/]" : "[red]failed[/]");
    }
}
