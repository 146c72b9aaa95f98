namespace Hv.Bench;

/// <summary>How the story is told.</summary>
public sealed class StoryOptions
{
    /// <summary>The machine.</summary>
    public BenchKind Bench { get; init; }

    /// <summary>The guest.</summary>
    public GuestKind Guest { get; init; }

    /// <summary>How the guest's disk is attached (QEMU).</summary>
    public DiskBus Disk { get; init; }

    /// <summary>How many processors the machine has.</summary>
    public int Processors { get; init; } = 1;

    /// <summary>Hv's image; null leaves Hv and the shadow reboot out.</summary>
    public string? Efi { get; init; }

    /// <summary>How many reboots in a row are hidden; the last one is the one reported.</summary>
    public int ShadowReboots { get; init; } = 1;

    /// <summary>How many of them, the first ones, start cold: from the disk, without a fork that shuts down.</summary>
    public int ColdReboots { get; init; }
}
