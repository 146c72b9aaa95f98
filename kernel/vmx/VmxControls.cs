namespace Hv.Kernel.Vmx;

/// <summary>The five words of VMX controls, as Hv wants them and the processor allows them (Intel SDM vol. 3D, A.2 to A.5).</summary>
public struct VmxControls
{
#pragma warning disable CS1591 // named as the manual names them
    public uint PinBased, ProcessorBased, Secondary, Exit, Entry;
#pragma warning restore CS1591

    private const uint NeededPin = VmxControl.PinNmiExiting | VmxControl.PinVirtualNmis;
    private const uint NeededProcessor = VmxControl.UseIoBitmaps | VmxControl.UseMsrBitmaps | VmxControl.ActivateSecondary;
    private const uint NeededSecondary = VmxControl.EnableEpt | VmxControl.UnrestrictedGuest;
    private const uint NeededExit = VmxControl.ExitSaveDebugControls | VmxControl.ExitHostAddressSpaceSize | VmxControl.ExitSavePat |
        VmxControl.ExitLoadPat | VmxControl.ExitSaveEfer | VmxControl.ExitLoadEfer;
    private const uint NeededEntry = VmxControl.EntryLoadDebugControls | VmxControl.EntryLoadPat | VmxControl.EntryLoadEfer;

    // Not set yet, but there to be set while there is a shadow.
    private const uint SwitchedPin = VmxControl.PinExternalInterruptExiting | VmxControl.PinPreemptionTimer;
    private const uint SwitchedProcessor = VmxControl.InterruptWindowExiting | VmxControl.NmiWindowExiting | VmxControl.HltExiting |
        VmxControl.Cr8LoadExiting | VmxControl.Cr8StoreExiting;

    /// <summary>What makes the waiting instructions exit: HLT, and MWAIT where the processor has it.</summary>
    public uint HaltExiting;

    // Exits that would cost every guest dearly or change what it sees: processors without the true controls force some of them.
    private const uint UnwantedProcessor = VmxControl.Cr3LoadExiting | VmxControl.Cr3StoreExiting;

    // Instructions that are undefined in a guest unless these say otherwise; a processor without the control lacks the instruction.
    private const uint WishedSecondary = VmxControl.EnableVpid | VmxControl.EnableRdtscp | VmxControl.EnableInvpcid | VmxControl.EnableXsaves |
        VmxControl.EnableUserWait;

    /// <summary>The controls of a primary; <see cref="Status.Unsupported"/> if this processor lacks one that Hv cannot do without.</summary>
    public static Result<VmxControls> Choose(in VmxCapabilities capabilities)
    {
        VmxControls controls = default;
        if (!capabilities.HasUsableEpt ||
            !Adjust(NeededPin, 0, capabilities.PinBased, out controls.PinBased) ||
            !Adjust(NeededProcessor, 0, capabilities.ProcessorBased, out controls.ProcessorBased) ||
            !Adjust(NeededSecondary, WishedSecondary, capabilities.Secondary, out controls.Secondary) ||
            !Adjust(NeededExit, 0, capabilities.Exit, out controls.Exit) ||
            !Adjust(NeededEntry, 0, capabilities.Entry, out controls.Entry))
            return Status.Unsupported;
        if ((controls.ProcessorBased & UnwantedProcessor) != 0 ||
            !VmxCapabilities.MayBeSet(capabilities.PinBased, SwitchedPin) ||
            !VmxCapabilities.MayBeSet(capabilities.ProcessorBased, SwitchedProcessor))
            return Status.Unsupported;
        bool hasMwait = VmxCapabilities.MayBeSet(capabilities.ProcessorBased, VmxControl.MwaitExiting);
        controls.HaltExiting = VmxControl.HltExiting | (hasMwait ? VmxControl.MwaitExiting : 0);
        return controls;
    }

    /// <summary>
    /// Joins what Hv needs, what it wishes for and what the processor wants to be 1. False if a needed control cannot be 1.
    /// <paramref name="capability"/>: controls that must be 1 in the low half, controls that may be 1 in the high half.
    /// </summary>
    public static bool Adjust(uint needed, uint wished, ulong capability, out uint controls)
    {
        uint must = (uint)capability, may = (uint)(capability >> 32);
        controls = (needed | wished | must) & may;
        return (needed & ~may) == 0;
    }
}
