namespace Hv.Kernel.Processor;

/// <summary>Lets Hv take a physical interrupt itself: for its own timer, and for what the old primary leaves behind at a switch.</summary>
public static class HostWindow
{
    private static bool s_hasGlobalFlag;

    /// <summary>SVM: global interrupts are off in Hv, and must be opened too.</summary>
    public static void UseGlobalFlag() => s_hasGlobalFlag = true;

    /// <summary>Takes at most one pending interrupt: it is ended at the local APIC and forgotten.</summary>
    public static void TakeOne()
    {
        if (!s_hasGlobalFlag)
        {
            Stubs.TakeOneInterrupt();
            return;
        }
        Stubs.DisableInterrupts();
        Stubs.SetGlobalInterrupts();
        Stubs.TakeOneInterrupt();
        Stubs.ClearGlobalInterrupts();
        Stubs.EnableInterrupts();
    }
}
