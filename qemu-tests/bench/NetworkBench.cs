using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>
/// Measures how long after a switch the small guest answers over the network: without a lease to remember, and with the one of the system before. It is
/// asked from outside all the time, through the emulator's forwarded port.
/// </summary>
public sealed class NetworkBench(BenchKind bench, int rounds, string efi, StepDisplay display)
{
    private const string Lease = "/var/lib/network-lease";

    private readonly List<NetworkRun> runs = [];
    private readonly TimeSpan limit = TimeSpan.FromMinutes(3) * bench.Patience(), reboot = TimeSpan.FromMinutes(10) * bench.Patience();

    /// <summary>What was measured.</summary>
    public IReadOnlyList<NetworkRun> Runs => runs;

    /// <summary>Starts the machine and switches twice in each round.</summary>
    public void Run(CancellationToken cancel)
    {
        string run = Paths.NewRun($"network-{bench.Name()}"), disk = Path.Combine(run, "guest.img"), hv = Path.Combine(run, "hv.img");
        GuestImage.Get(GuestKind.Small, line => display.Detail = line).CopyTo(disk);
        HvImage.Create(efi, hv);
        using Emulator emulator = Emulator.Create(bench, new MachineOptions { RunFolder = run, HvImage = hv, GuestDisk = disk });
        Guest guest = Guest.Create(GuestKind.Small, emulator);
        try
        {
            display.Run("Starting the machine", () =>
            {
                emulator.Start(line => display.Detail = line.Text);
                guest.WaitUntilUp(limit, cancel);
                guest.LogIn(limit, cancel);
            });
            for (int round = 1; round <= rounds; round++)
            {
                Switch(guest, $"Round {round}: no lease to remember", isRemembered: false, cancel);
                Switch(guest, $"Round {round}: a remembered lease", isRemembered: true, cancel);
            }
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
        ["switches"] = new JsonArray([.. runs.Select(run => run.ToJson())]),
        ["passed"] = runs.All(run => run.Passed),
    };

    private void Switch(Guest guest, string title, bool isRemembered, CancellationToken cancel) => display.Run(title, () =>
    {
        guest.WaitUntilIdle(limit, cancel);
        guest.Run($"until [ -e {Lease} ]; do usleep 100000; done", limit, cancel);
        if (!isRemembered)
            guest.Run($"rm {Lease}; sync", limit, cancel);
        guest.StartHeartbeat(limit, cancel);
        Downtime downtime = new DowntimeProbe(guest).MeasureShadow("shadowctl reboot", reboot, cancel);
        guest.LogIn(limit, cancel);
        runs.Add(new NetworkRun(isRemembered, downtime, NetworkMoments.Read(guest, limit)));
    });
}
