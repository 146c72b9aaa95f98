namespace Hv.Drivers.Control;

/// <summary>The moments of a switch, as indexes of <see cref="StatusBlock.SwitchMarks"/>.</summary>
public enum SwitchMark
{
    /// <summary>The command has arrived.</summary>
    Requested = 0,
    /// <summary>The primary runs no more.</summary>
    PrimaryStopped = 1,
    /// <summary>No disk command is in flight.</summary>
    DiskDrained = 2,
    /// <summary>All passed-through devices are quiet.</summary>
    DevicesQuiesced = 3,
    /// <summary>The overlay is the disk, or will be even after a power loss.</summary>
    DiskCommitted = 4,
    /// <summary>The real platform devices have the state of the virtual ones.</summary>
    PlatformCommitted = 5,
    /// <summary>The shadow runs as the machine's system.</summary>
    ShadowEntered = 6,
    /// <summary>The journal is merged: nothing is left to do.</summary>
    Settled = 7,
    /// <summary>How many there are.</summary>
    Count = 8,
}
