using System;

namespace Hv.Kernel.Processor;

/// <summary>Empties and resets the real local APIC of this processor.</summary>
/// <remarks>In Hv, between two exits of the guest that has it.</remarks>
public static class LocalApicReset
{
    // Two for each vector.
    private const int MostRequests = 512;
    private const uint SpuriousVectorAfterReset = 0xFF;
    private const int LastLvtShift = 16;
    private const uint LastLvtMask = 0xFF, LastKnownLvt = 5;

    /// <summary>Ends what is in service and takes what is requested, without giving it to a guest. The timer is stopped first.</summary>
    public static void Drain()
    {
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, LocalApicAccess.Read(LocalApicAccess.LvtTimer) | LocalApicAccess.LvtMasked);
        LocalApicAccess.Write(LocalApicAccess.TaskPriority, 0);
        for (int i = 0; i < MostRequests && LocalApicAccess.HasRequests; i++)
        {
            LocalApicAccess.EndOfInterrupt();
            HostWindow.TakeOne();
        }
    }

    /// <summary>Does what INIT does to it (Intel SDM vol. 3A, 11.4.7.3; APM vol. 2, 16.3.1): Hv delivers INIT in software, which the real one does not see.</summary>
    public static void Initialize()
    {
        Drain();
        while (LocalApicAccess.HasInService)
            LocalApicAccess.EndOfInterrupt();
        uint last = Math.Min(LocalApicAccess.Read(LocalApicAccess.Version) >> LastLvtShift & LastLvtMask, LastKnownLvt);
        for (uint i = 0; i <= last; i++)
            LocalApicAccess.Write(LocalApicAccess.LvtTimer + i, LocalApicAccess.LvtMasked);
        LocalApicAccess.Write(LocalApicAccess.InitialCount, 0);
        LocalApicAccess.Write(LocalApicAccess.DivideConfiguration, 0);
        LocalApicAccess.Write(LocalApicAccess.SpuriousVector, SpuriousVectorAfterReset);
    }
}
