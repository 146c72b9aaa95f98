using Hv.Kernel.Processor;

namespace Hv.Boot;

/// <summary>Measures what the local APIC's timer counts, against the TSC. The firmware's use of the timer is put back.</summary>
internal static class ApicTimerFrequency
{
    private const uint DivideByOne = 0xB;
    private const ulong PartOfSecond = 200;

    /// <summary>Ticks per second at divider 1; 0 if the timer does not run. Interrupts must be off.</summary>
    public static ulong Measure(ulong tscFrequency)
    {
        uint lvt = LocalApicAccess.Read(LocalApicAccess.LvtTimer);
        uint divide = LocalApicAccess.Read(LocalApicAccess.DivideConfiguration);
        uint initial = LocalApicAccess.Read(LocalApicAccess.InitialCount);
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, LocalApicAccess.LvtMasked | LocalApicAccess.TimerOneShot);
        LocalApicAccess.Write(LocalApicAccess.DivideConfiguration, DivideByOne);
        LocalApicAccess.Write(LocalApicAccess.InitialCount, uint.MaxValue);
        ulong start = Stubs.ReadTsc(), span = tscFrequency / PartOfSecond;
        uint first = LocalApicAccess.Read(LocalApicAccess.CurrentCount);
        while (Stubs.ReadTsc() - start < span)
            Stubs.Pause();
        uint counted = first - LocalApicAccess.Read(LocalApicAccess.CurrentCount);
        ulong passed = Stubs.ReadTsc() - start;
        LocalApicAccess.Write(LocalApicAccess.InitialCount, 0);
        LocalApicAccess.Write(LocalApicAccess.DivideConfiguration, divide);
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, lvt);
        LocalApicAccess.Write(LocalApicAccess.InitialCount, initial);
        return passed == 0 ? 0 : counted * tscFrequency / passed;
    }
}
