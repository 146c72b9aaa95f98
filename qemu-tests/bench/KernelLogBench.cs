using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>Boots the small guest on the same machine without Hv and under it, and compares what its kernel says.</summary>
public sealed class KernelLogBench(BenchKind bench, int processors, StepDisplay display)
{
    // What is kept of a run, and read when one is compared again.
    private const string PlainLog = "kernel-without-hv.log", HvLog = "kernel-under-hv.log";

    private string run = "";
    private KernelLogComparison? comparison;

    /// <summary>The machine.</summary>
    public BenchKind Bench => bench;

    /// <summary>How many processors it has.</summary>
    public int Processors => processors;

    /// <summary>The folder with both logs.</summary>
    public string Folder => run;

    /// <summary>The logs, compared.</summary>
    public KernelLogComparison Comparison => comparison ?? throw new InvalidOperationException("Nothing has been compared.");

    /// <summary>Boots twice and compares.</summary>
    public void Run(string efi, CancellationToken cancel)
    {
        run = Paths.NewRun($"kernel-log-{bench.Name()}");
        display.Run("Booting without Hv", () => File.WriteAllLines(Path.Combine(run, PlainLog), Boot("without-hv", efi, hasHv: false, cancel)));
        display.Run("Booting under Hv", () => File.WriteAllLines(Path.Combine(run, HvLog), Boot("under-hv", efi, hasHv: true, cancel)));
        Compare();
    }

    /// <summary>Compares the logs of an earlier run once more.</summary>
    public void Run(string folder)
    {
        run = folder;
        Compare();
    }

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson()
    {
        JsonObject json = Comparison.ToJson();
        json.Insert(0, "bench", bench.Name());
        json.Insert(1, "guest", "small");
        json.Insert(2, "processors", processors);
        return json;
    }

    private void Compare() => comparison = new KernelLogComparison(ReadLog(PlainLog), ReadLog(HvLog), KernelLogExplanations.All);

    private string[] ReadLog(string name)
    {
        string path = Path.Combine(run, name);
        return File.Exists(path) ? File.ReadAllLines(path)
            : throw new BenchException($"{path} is missing; name the folder of a run of 'kernel-log' (out/runs/...-kernel-log-{bench.Name()}), or leave --from out.");
    }

    private string[] Boot(string folder, string efi, bool hasHv, CancellationToken cancel)
    {
        using FreshBoot boot = new(bench, processors, Path.Combine(run, folder), efi, hasHv, line => display.Detail = line);
        string[] log;
        try
        {
            boot.Start(FreshBoot.UsualLimit(bench, processors), line => display.Detail = line.Text, cancel);
            log = KernelLogText.ReadSettled(boot, cancel);
            boot.Check();
        }
        catch (BenchException e)
        {
            throw boot.Emulator.Explain(e);
        }
        boot.Discard();
        return log;
    }
}
