namespace Hv.Bench;

/// <summary>What a kernel that is not well says in its log.</summary>
public static class KernelComplaints
{
    /// <summary>
    /// The complaints of the soft-lockup, hard-lockup and hung-task detectors, the clocksource watchdog, the TSC's check, RCU's stall detector, those about NMIs that nobody has
    /// sent, about processors that do not start, and of a kernel that is broken; both grep -E and .NET understand the pattern.
    /// </summary>
    public const string Pattern = "soft lockup|hard LOCKUP|blocked for more than|clocksource: .*unstable|TSC warp|rcu: INFO|NMI received for unknown reason|unknown NMI" +
        "|do_boot_cpu failed|BUG: |Oops|WARNING: CPU|unchecked MSR|invalid opcode";
}
