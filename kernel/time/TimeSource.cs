namespace Hv.Kernel.Time;

/// <summary>Real time for waiting on devices: the TSC in Hv, set by hand in tests.</summary>
public abstract class TimeSource
{
    /// <summary>Nanoseconds since some fixed moment; never goes back. Reading it may be done in a tight loop.</summary>
    public abstract ulong Nanoseconds { get; }
}
