using Hv.Kernel.Instructions;

namespace Hv.Kernel.Vm;

/// <summary>What ends the wait of a processor in HLT or MWAIT.</summary>
public static class WaitRules
{
    /// <summary>MWAIT, ECX bit 0: interrupts end the wait even while RFLAGS.IF is 0 (Intel SDM vol. 2B, MWAIT; APM vol. 3, MWAIT).</summary>
    private const uint BreakOnInterrupt = 1 << 0;

    /// <summary>
    /// Whether an external interrupt ends a wait that began with <paramref name="rflags"/> and, for MWAIT (<paramref name="isMonitorWait"/>),
    /// with <paramref name="extensions"/> in ECX.
    /// </summary>
    public static bool EndsOnInterrupt(bool isMonitorWait, ulong rflags, uint extensions) =>
        (rflags & Rflags.Interrupt) != 0 || (isMonitorWait && (extensions & BreakOnInterrupt) != 0);

    /// <summary>
    /// Whether nothing but an NMI, SMI, INIT or reset ends the wait: HLT with interrupts off (Intel SDM vol. 2A, HLT). MWAIT may end by
    /// a write to the monitored memory.
    /// </summary>
    public static bool IsForGood(bool isMonitorWait, ulong rflags) => !isMonitorWait && (rflags & Rflags.Interrupt) == 0;

    /// <summary>
    /// Whether a processor that was let into its HLT or MWAIT at <paramref name="wait"/>, <paramref name="length"/> bytes long, waits there still
    /// when a time limit makes it exit at <paramref name="rip"/>. MWAIT may end at any time (Intel SDM vol. 2B, MWAIT): then it is somewhere else by
    /// now, and must not be put back.
    /// </summary>
    public static bool StillWaits(ulong rip, ulong wait, byte length) => rip == wait || rip == wait + length;
}
