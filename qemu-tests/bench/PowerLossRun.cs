using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>
/// One reboot in the background, in which the power fails at many points: at each the machine is stopped and its disk copied, as a power loss would
/// leave it, and every copy is checked.
/// </summary>
public sealed class PowerLossRun(BenchKind bench, string efi, int points, StepDisplay display)
{
    /// <summary>Where the guest writes down its heartbeats, each line made durable before it is reported.</summary>
    public const string Record = "/var/log/beats";

    private const int AfterMerge = 3;
    private const string Switching = "Hv: switching", Committed = "Hv: committed", Merged = "Hv: merged";

    // In the place of what reports the system ready: not before its first record is on the disk, which tells the new system's disk from the old one's.
    // Each system also writes a few MiB of its own, so that there is something to journal and to merge.
    private const string ScriptPath = "/etc/rc.d/shadowctl";
    private const string Script = $"""
        #!/bin/sh
        PATH=/sbin:/bin:/usr/sbin:/usr/bin
        read -r boot </proc/sys/kernel/random/boot_id
        read -r uptime _ </proc/uptime
        dd if=/dev/urandom of=/var/load-$boot bs=65536 count=64 2>/dev/null
        echo "$boot 1 $uptime" >>{Record}
        sync
        echo "HB 1 $uptime" >/dev/ttyS0
        /usr/sbin/shadowctl ready --finish &
        n=1
        while :; do
            n=$((n + 1))
            read -r uptime _ </proc/uptime
            echo "$boot $n $uptime" >>{Record}
            sync
            echo "HB $n $uptime" >/dev/ttyS0
            usleep 150000
        done

        """;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly double patience = bench.Patience();
    private readonly List<PowerLossPoint> taken = [];
    private string folder = "", step = "";
    private GuestImage image = null!;
    private Emulator machine = null!;

    private TimeSpan Boot => TimeSpan.FromMinutes(10) * patience;

    private TimeSpan Command => TimeSpan.FromMinutes(4) * patience;

    private TimeSpan Interval => TimeSpan.FromSeconds(2) * patience;

    /// <summary>Runs it, and returns the points with what was found at each. The last <paramref name="boots"/> that need recovery are started under Hv, too.</summary>
    public IReadOnlyList<PowerLossPoint> Run(int boots, CancellationToken cancel = default)
    {
        folder = Paths.NewRun("power-loss");
        string disk = Path.Combine(folder, "guest.img"), hv = Path.Combine(folder, "hv.img");
        display.Run("Preparing the disks", () =>
        {
            image = GuestImage.Get(GuestKind.Small, line => display.Detail = line);
            image.CopyTo(disk);
            image.AddFile(disk, ScriptPath, Script, Path.Combine(folder, "script"));
            HvImage.Create(efi, hv);
        });
        using (machine = Emulator.Create(bench, new MachineOptions { RunFolder = folder, HvImage = hv, GuestDisk = disk }))
        {
            try
            {
                TakePoints(disk, cancel);
            }
            catch (BenchException e)
            {
                throw machine.Explain(e);
            }
        }
        List<string> restarts = display.Run("Copying disks for restarts", () => KeepForRestart(boots));
        display.Run($"Checking {taken.Count} disks", () =>
        {
            foreach (PowerLossPoint point in taken)
            {
                cancel.ThrowIfCancellationRequested();
                point.Problem = PowerLossCheck.Run(point, image);
                if (point.Problem is null)
                    File.Delete(point.Image);
            }
        });
        foreach (string copy in restarts)
            display.Run("Starting a machine after a power loss", () => Restart(copy, hv, cancel));
        return taken;
    }

    /// <summary>The points for programs to read.</summary>
    public static JsonArray ToJson(IEnumerable<PowerLossPoint> points) => new([.. points.Select(point => new JsonObject
    {
        ["step"] = point.Step,
        ["recovery"] = point.Recovery?.ToString().ToLowerInvariant(),
        ["problem"] = point.Problem,
    })]);

    private void TakePoints(string disk, CancellationToken cancel)
    {
        Guest guest = Guest.Create(GuestKind.Small, machine);
        display.Run("Starting the machine", () =>
        {
            machine.Start(line => display.Detail = line.Text);
            guest.WaitUntilUp(Boot, cancel);
            guest.LogIn(Command, cancel);
            guest.InstallKernel(image.NewKernel, Command, cancel);
            guest.Run("sync", Command, cancel);
            // Its record must be on the disk before there is a shadow: it tells the two systems' disks apart.
            guest.WaitForHeartbeat(0, Command, cancel);
        });
        step = LastStep(machine.ReadHvLog());
        display.Run("Starting a shadow, and stopping the machine again and again", () =>
        {
            guest.Begin("shadowctl start && shadowctl wait; echo WAI\"\"TED=$?");
            TimeSpan end = machine.Clock.Elapsed + Boot, next = TimeSpan.Zero;
            while (!machine.Console.TryExpect(@"^WAITED=(\d+)", Look, out _, out _, cancel))
            {
                bool isDue = machine.Clock.Elapsed >= next && taken.Count < points / 2;
                if (TakeIf(disk, isDue))
                    next = machine.Clock.Elapsed + Interval;
                if (machine.Clock.Elapsed > end)
                    throw machine.Console.Failure("The shadow does not become ready.");
            }
        });
        display.Run("Switching, and stopping the machine again and again", () =>
        {
            machine.SlowDiskDown();
            guest.Begin("shadowctl switch");
            TimeSpan end = machine.Clock.Elapsed + Boot;
            for (int left = AfterMerge; left > 0; Thread.Sleep(Look))
            {
                cancel.ThrowIfCancellationRequested();
                string log = machine.ReadHvLog();
                if (machine.Clock.Elapsed > end)
                    throw machine.Console.Failure("The switch does not come to its end.");
                bool isMerged = log.Contains(Merged, StringComparison.Ordinal);
                if (TakeIf(disk, isMerged || taken.Count < points - AfterMerge && log.Contains(Switching, StringComparison.Ordinal)) && isMerged)
                    left--;
            }
        });
    }

    // Each new step in Hv's trace is a point, too.
    private bool TakeIf(string disk, bool isDue)
    {
        if (!isDue && LastStep(machine.ReadHvLog()) == step)
            return false;
        machine.Pause();
        string log = machine.ReadHvLog();
        step = LastStep(log);
        Heartbeat[] heartbeats = machine.Console.Heartbeats;
        string copy = Path.Combine(folder, $"point-{taken.Count + 1}.img");
        Copy(disk, copy);
        taken.Add(new PowerLossPoint(copy, step, heartbeats, log.Contains(Switching, StringComparison.Ordinal), log.Contains(Committed, StringComparison.Ordinal)));
        display.Detail = $"{taken.Count} points; {step}";
        machine.Resume();
        return true;
    }

    private static string LastStep(string log) => log.TrimEnd().Split('\n')[^1].Trim();

    // The last points before and after the commit record.
    private List<string> KeepForRestart(int boots)
    {
        PowerLossPoint?[] chosen =
        [
            taken.FindLast(point => point.Committed && !point.Step.StartsWith(Merged, StringComparison.Ordinal)),
            taken.FindLast(point => !point.Committed),
        ];
        List<string> copies = [];
        foreach (PowerLossPoint point in chosen.OfType<PowerLossPoint>().Take(boots))
        {
            copies.Add(point.Image + ".restart");
            Copy(point.Image, copies[^1]);
        }
        return copies;
    }

    private void Restart(string disk, string hv, CancellationToken cancel)
    {
        string run = Directory.CreateDirectory(disk + ".run").FullName;
        using Emulator again = Emulator.Create(bench, new MachineOptions { RunFolder = run, HvImage = hv, GuestDisk = disk });
        try
        {
            again.Start(line => display.Detail = line.Text);
            Guest guest = Guest.Create(GuestKind.Small, again);
            guest.WaitUntilUp(Boot, cancel);
            if (!again.ReadHvLog().Contains("Hv: the power failed", StringComparison.Ordinal))
                throw new BenchException("Hv did not see that the power had failed.");
            guest.LogIn(Command, cancel);
            string kernel = guest.Run("uname -r", Command, cancel);
            if (kernel != image.NewKernel)
                throw new BenchException($"Kernel {kernel} runs after the power loss, not {image.NewKernel}.");
            guest.Begin("poweroff");
            if (!again.WaitForExit(Command))
                throw new BenchException("The machine does not turn itself off.");
        }
        catch (BenchException e)
        {
            throw again.Explain(e);
        }
        if (image.CheckFileSystem(disk) is { } problem)
            throw new BenchException($"After the restart the file system is not clean: {problem}");
        File.Delete(disk);
    }

    private static void Copy(string from, string to) => Tool.Run("cp", ["--sparse=always", "--reflink=auto", from, to]);
}
