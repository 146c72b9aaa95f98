namespace Hv.Kernel.Vm;

/// <summary>The rule by which two exceptions become #DF (SDM vol. 3, table 7-5; APM vol. 2, 8.2.9), for a second one that is #GP.</summary>
public static class DoubleFault
{
    /// <summary>#DF; its error code is 0.</summary>
    public const byte Vector = 8;

    /// <summary>#GP.</summary>
    public const byte GeneralProtection = 13;

    private const byte DivideError = 0, InvalidTss = 10, SegmentNotPresent = 11, StackFault = 12, PageFault = 14, ControlProtection = 21;

    /// <summary>What a #GP becomes that is raised while exception <paramref name="first"/> is being delivered.</summary>
    public static DoubleFaultOutcome After(byte first) => first switch
    {
        Vector => DoubleFaultOutcome.Shutdown,
        DivideError or InvalidTss or SegmentNotPresent or StackFault or GeneralProtection or PageFault or ControlProtection => DoubleFaultOutcome.DoubleFault,
        _ => DoubleFaultOutcome.Serial,
    };
}
