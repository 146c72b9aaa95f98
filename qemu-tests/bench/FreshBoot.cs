namespace Hv.Bench;

/// <summary>One boot of the small guest: a machine that has never been on, with a fresh disk. Disposing turns it off.</summary>
public sealed class FreshBoot : IDisposable
{
    // A kernel that panics restarts the machine, which might come up the second time as if nothing had been.
    private const string HvFault = "Hv fault", HvStopped = "Hv stopped: ", HvRuns = "Hv: running.", Panic = "Kernel panic - ";
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private bool isOff;

    /// <summary>Prepares the machine; its logs and disks go to <paramref name="folder"/>. Unless <paramref name="hasHv"/>, the disk with Hv is there, but Hv is not started.</summary>
    public FreshBoot(BenchKind bench, int processors, string folder, string efi, bool hasHv = true, Action<string>? progress = null)
    {
        Directory.CreateDirectory(folder);
        string hv = Path.Combine(folder, "hv.img"), disk = Path.Combine(folder, "guest.img");
        if (hasHv)
            HvImage.Create(efi, hv);
        else
            HvImage.CreateIdle(efi, hv);
        GuestImage.Get(GuestKind.Small, progress).CopyTo(disk);
        Emulator = Emulator.Create(bench, new MachineOptions { RunFolder = folder, HvImage = hv, GuestDisk = disk, Processors = processors });
        Guest = Guest.Create(GuestKind.Small, Emulator);
        CommandTime = TimeSpan.FromMinutes(1) * bench.Patience(processors);
    }

    /// <summary>How long a boot may take if nobody says otherwise.</summary>
    public static TimeSpan UsualLimit(BenchKind bench, int processors) => TimeSpan.FromMinutes(2) * bench.Patience(processors);

    /// <summary>The machine.</summary>
    public Emulator Emulator { get; }

    /// <summary>Its guest.</summary>
    public Guest Guest { get; }

    /// <summary>How long a command in the guest may take.</summary>
    public TimeSpan CommandTime { get; }

    /// <summary>Turns the machine on and logs in; returns when the guest waited for its user.</summary>
    /// <exception cref="BenchException">It did not in time, or Hv or the kernel has given up.</exception>
    public TimeSpan Start(TimeSpan limit, Action<SerialLine>? onLine, CancellationToken cancel)
    {
        Emulator.Start(onLine);
        TimeSpan up = WaitUntilUp(limit, cancel);
        if (up > limit)
            throw Emulator.Console.Failure($"The guest was up only after {up.TotalSeconds:F0} s; {limit.TotalSeconds:F0} s were allowed.");
        Guest.LogIn(CommandTime, cancel);
        Check();
        return up;
    }

    /// <summary>Looks whether Hv and the machine are still those that were started.</summary>
    /// <exception cref="BenchException">They are not.</exception>
    public void Check()
    {
        if (Trouble() is { } trouble)
            throw Emulator.Console.Failure(trouble);
    }

    /// <summary>Turns the machine off and removes its disks: nobody has to look at them.</summary>
    public void Discard()
    {
        Dispose();
        File.Delete(Emulator.Options.HvImage!);
        File.Delete(Emulator.Options.GuestDisk!);
    }

    /// <summary>What Hv's trace and the lines of the console say of a boot that has failed; null if nothing.</summary>
    public static string? FindTrouble(string trace, IEnumerable<string> console) => trace.Contains(HvFault, StringComparison.Ordinal) ? "Hv has met a fault (see its trace)."
        : trace.Contains(HvStopped, StringComparison.Ordinal) ? "Hv has stopped (see its trace)."
        : trace.Split(HvRuns).Length > 2 ? "The machine has restarted by itself: Hv has started twice."
        : console.Any(line => line.Contains(Panic, StringComparison.Ordinal)) ? "The guest's kernel has panicked."
        : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!isOff)
            Emulator.Dispose();
        isOff = true;
    }

    private TimeSpan WaitUntilUp(TimeSpan limit, CancellationToken cancel)
    {
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using Timer look = new(_ =>
        {
            if (Trouble() is not null)
                enough.Cancel();
        }, null, LookInterval, LookInterval);
        try
        {
            return Guest.WaitUntilUp(limit, enough.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw Emulator.Console.Failure(Trouble()!);
        }
    }

    private string? Trouble() => FindTrouble(Emulator.ReadHvLog(), Emulator.Console.Lines.Select(line => line.Text));
}
