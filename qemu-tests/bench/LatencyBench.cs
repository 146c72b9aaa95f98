using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>
/// Measures what a booting shadow costs the primary: how late programs wake up and how long computing takes, without a shadow and with one at several
/// least shares; and how much of an idle primary's time the shadow gets.
/// </summary>
public sealed class LatencyBench(BenchKind bench, int processors, int seconds, string efi, StepDisplay display)
{
    /// <summary>The least part of the primary's idle time that a shadow with something to do must get, in percent.</summary>
    public const double LeastIdleUse = 90;

    // From here on the shadow's kernel uses all processors.
    private const string KernelMark = "smp: Brought up";

    private static readonly int[] Shares = [0, 10, 25, 50];

    private readonly List<LatencyRun> runs = [];
    private readonly List<StoryCheck> checks = [];
    private readonly TimeSpan limit = TimeSpan.FromMinutes(5) * bench.Patience();

    /// <summary>What was measured; the first one is without a shadow.</summary>
    public IReadOnlyList<LatencyRun> Runs => runs;

    /// <summary>What must have been so.</summary>
    public IReadOnlyList<StoryCheck> Checks => checks;

    /// <summary>Where the time went from the start of a shadow on, beside a primary that only looked now and then how far it was; null if that was not reached.</summary>
    public TurnSeconds? IdleUse { get; private set; }

    /// <summary>Whether everything was as it must be.</summary>
    public bool Passed => IdleUse is not null && checks.All(check => check.Passed);

    /// <summary>Starts the machine and measures.</summary>
    public void Run(CancellationToken cancel)
    {
        string run = Paths.NewRun($"latency-{bench.Name()}"), disk = Path.Combine(run, "guest.img"), hv = Path.Combine(run, "hv.img");
        GuestImage.Get(GuestKind.Small, line => display.Detail = line).CopyTo(disk);
        HvImage.Create(efi, hv);
        using Emulator emulator = Emulator.Create(bench, new MachineOptions { RunFolder = run, HvImage = hv, GuestDisk = disk, Processors = processors });
        Guest guest = Guest.Create(GuestKind.Small, emulator);
        try
        {
            display.Run("Starting the machine", () =>
            {
                emulator.Start(line => display.Detail = line.Text);
                guest.WaitUntilUp(limit, cancel);
                guest.LogIn(limit, cancel);
                guest.WaitUntilIdle(limit, cancel);
            });
            runs.Add(display.Run("Measuring without a shadow", () => new LatencyRun(null, Measure(guest, cancel), null, null)));
            foreach (int share in Shares)
                runs.Add(MeasureBeside(guest, share, cancel));
            MeasureIdleUse(guest, cancel);
        }
        catch (BenchException e)
        {
            throw emulator.Explain(e);
        }
    }

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["bench"] = bench.Name(),
        ["guest"] = "small",
        ["processors"] = processors,
        ["seconds"] = seconds,
        ["runs"] = new JsonArray([.. runs.Select(run => run.ToJson(runs[0]))]),
        ["idle_primary"] = IdleUse?.ToJson(),
        ["passed"] = Passed,
    };

    private LatencyRun MeasureBeside(Guest guest, int share, CancellationToken cancel)
    {
        StartShadow(guest, share, cancel);
        LatencyRun run = display.Run($"Measuring beside it, share {share} %", () =>
        {
            TurnSeconds before = TurnSeconds.Parse(guest.ReadStatus(limit, cancel));
            IReadOnlyList<LatencyProcessor> measured = Measure(guest, cancel);
            JsonObject status = guest.ReadStatus(limit, cancel);
            return new LatencyRun(share, measured, TurnSeconds.Parse(status) - before, (string?)status["phase"]);
        });
        checks.Add(new StoryCheck($"the shadow with a share of {share} % was booting all the time", run.IsValid, run.Phase!));
        guest.Run("shadowctl abort", limit, cancel);
        return run;
    }

    private void MeasureIdleUse(Guest guest, CancellationToken cancel)
    {
        StartShadow(guest, Shares[0], cancel);
        display.Run("Leaving the system idle beside it", () =>
        {
            guest.Run($"sleep {seconds}", limit, cancel);
            IdleUse = TurnSeconds.Parse(guest.ReadStatus(limit, cancel));
        });
        checks.Add(new StoryCheck($"a shadow that boots gets at least {LeastIdleUse:F0} % of an idle system's time", IdleUse!.IdleUsePercent >= LeastIdleUse, $"{IdleUse.IdleUsePercent:F1} %"));
        guest.Run("shadowctl abort", limit, cancel);
    }

    // The system is idle until the shadow's kernel is there.
    private void StartShadow(Guest guest, int share, CancellationToken cancel) => display.Run($"Starting a shadow, share {share} %", () =>
    {
        guest.Run($"shadowctl start --cold --no-journal --share {share}", limit, cancel);
        guest.Run($"until shadowctl log | grep -q '{KernelMark}'; do shadowctl status --json | grep -q '\"phase\": \"{LatencyRun.Booting}\"' || exit 1; sleep 3; done", limit, cancel);
    });

    private List<LatencyProcessor> Measure(Guest guest, CancellationToken cancel)
    {
        string output = guest.Run($"latency {seconds}", limit, cancel);
        try
        {
            if (JsonNode.Parse(output[Math.Max(0, output.IndexOf('{'))..])?["processors"] is JsonArray { Count: > 0 } measured)
                return [.. measured.Select(processor => LatencyProcessor.Parse(processor!))];
        }
        catch (JsonException)
        {
        }
        throw new BenchException($"The guest's 'latency' wrote something else than was expected:\n{output}");
    }
}
