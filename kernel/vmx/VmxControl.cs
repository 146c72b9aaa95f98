namespace Hv.Kernel.Vmx;

/// <summary>Bits of the VMX controls (Intel SDM vol. 3C, 25.6 to 25.8).</summary>
public static class VmxControl
{
#pragma warning disable CS1591 // named as the manual names them
    public const uint PinExternalInterruptExiting = 1 << 0, PinNmiExiting = 1 << 3, PinVirtualNmis = 1 << 5, PinPreemptionTimer = 1 << 6;

    public const uint InterruptWindowExiting = 1 << 2, HltExiting = 1 << 7, MwaitExiting = 1 << 10, Cr3LoadExiting = 1 << 15,
        Cr3StoreExiting = 1 << 16, Cr8LoadExiting = 1 << 19, Cr8StoreExiting = 1 << 20, NmiWindowExiting = 1 << 22,
        UseIoBitmaps = 1 << 25, UseMsrBitmaps = 1 << 28, ActivateSecondary = 1u << 31;

    public const uint EnableEpt = 1 << 1, EnableRdtscp = 1 << 3, EnableVpid = 1 << 5, UnrestrictedGuest = 1 << 7, EnableInvpcid = 1 << 12,
        EnableXsaves = 1 << 20, EnableUserWait = 1 << 26;

    public const uint ExitSaveDebugControls = 1 << 2, ExitHostAddressSpaceSize = 1 << 9, ExitAcknowledgeInterrupt = 1 << 15, ExitSavePat = 1 << 18,
        ExitLoadPat = 1 << 19, ExitSaveEfer = 1 << 20, ExitLoadEfer = 1 << 21;

    public const uint EntryLoadDebugControls = 1 << 2, EntryIa32eMode = 1 << 9, EntryLoadPat = 1 << 14, EntryLoadEfer = 1 << 15;
#pragma warning restore CS1591
}
