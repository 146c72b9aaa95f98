namespace Hv.Kernel.Time;

/// <summary>The time that a VM's device models see. Set from the TSC once per exit; set by hand in tests.</summary>
public sealed class VirtualClock
{
    /// <summary>No event is due: later than any time.</summary>
    public const ulong Never = ulong.MaxValue;

    /// <summary>Nanoseconds since Hv was started; never goes back.</summary>
    public ulong Now;
}
