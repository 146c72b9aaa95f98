using System;

namespace Hv.Kernel.Processor;

/// <summary>How fast the local APIC's timer counts, compared with the TSC. Measured once while booting.</summary>
public static class ApicTimerRate
{
    private const int Shift = 20;

    private static ulong s_countsPerTick = 1ul << Shift;

    /// <summary>Says that the timer has <paramref name="apicHertz"/> at divider 1, and the TSC <paramref name="tscHertz"/>.</summary>
    public static void Set(ulong apicHertz, ulong tscHertz) => s_countsPerTick = Math.Max((apicHertz << Shift) / tscHertz, 1);

    /// <summary>Timer counts in <paramref name="ticks"/> TSC ticks, with this divide configuration register (SDM vol. 3A, 11.5.4).</summary>
    public static ulong ToCount(ulong ticks, uint divideConfiguration)
    {
        // Bits 3, 1 and 0 hold log2 of the divider less one; all ones is divider 1.
        int code = (int)((divideConfiguration & 3) | (divideConfiguration >> 1 & 4));
        int log2 = (code + 1) & 7;
        ulong high = Math.BigMul(ticks, s_countsPerTick, out ulong low);
        ulong counts = high >> Shift != 0 ? ulong.MaxValue : high << (64 - Shift) | low >> Shift;
        return counts >> log2;
    }
}
