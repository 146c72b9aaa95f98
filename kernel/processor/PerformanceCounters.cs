namespace Hv.Kernel.Processor;

/// <summary>
/// The registers of the performance monitoring unit (Intel SDM vol. 3B, 20.2; AMD APM vol. 2, 13.2). Emulators and other
/// hypervisors have them without counters behind: they read 0 and forget what is written, which is how an OS sees that there are none.
/// </summary>
public static class PerformanceCounters
{
    private const uint FirstCounter = 0xC1, LastCounter = 0xC8;                   // IA32_PMC0 to 7
    private const uint FirstSelect = 0x186, LastSelect = 0x18D;                   // IA32_PERFEVTSEL0 to 7
    private const uint FirstFixed = 0x309, LastFixed = 0x30B;                     // IA32_FIXED_CTR0 to 2
    private const uint FirstControl = 0x38D, LastControl = 0x390;                 // IA32_FIXED_CTR_CTRL to IA32_PERF_GLOBAL_OVF_CTRL
    private const uint FirstFullWidth = 0x4C1, LastFullWidth = 0x4C8;             // IA32_A_PMC0 to 7
    private const uint FirstLegacy = 0xC001_0000, FirstLegacyCounter = 0xC001_0004, LastLegacy = 0xC001_0007; // PerfEvtSel0 to 3, PerfCtr0 to 3
    private const uint FirstExtended = 0xC001_0200, LastExtended = 0xC001_020B;   // PERF_CTL0 to PERF_CTR5

    private const ulong Pattern = 0x5A5A;

    /// <summary>Whether <paramref name="index"/> is one of these registers.</summary>
    public static bool Contains(uint index) => index is >= FirstCounter and <= LastCounter or >= FirstSelect and <= LastSelect
        or >= FirstFixed and <= LastFixed or >= FirstControl and <= LastControl or >= FirstFullWidth and <= LastFullWidth
        or >= FirstLegacy and <= LastLegacy or >= FirstExtended and <= LastExtended;

    /// <summary>Whether this processor counts: a counter keeps what is written to it. Its value is put back. Needs Hv's IDT.</summary>
    public static bool ArePresent() => Keeps(FirstCounter) || Keeps(FirstLegacyCounter);

    private static bool Keeps(uint counter)
    {
        Result<ulong> before = Msr.TryRead(counter);
        if (!before.IsOk || Msr.Write(counter, before.Value ^ Pattern) != Status.Ok)
            return false;
        // A counter that runs has moved on a little by now; a register without one has not taken the change.
        bool kept = Msr.Read(counter) != before.Value;
        _ = Msr.Write(counter, before.Value);
        return kept;
    }
}
