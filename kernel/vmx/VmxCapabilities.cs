using Hv.Kernel.Processor;

namespace Hv.Kernel.Vmx;

/// <summary>What the VMX capability MSRs say (Intel SDM vol. 3D, appendix A).</summary>
public struct VmxCapabilities
{
#pragma warning disable CS1591 // named as the manual names them
    public ulong Basic, PinBased, ProcessorBased, Secondary, Exit, Entry, Misc, EptVpid, Cr0Fixed0, Cr0Fixed1, Cr4Fixed0, Cr4Fixed1;
#pragma warning restore CS1591

    private const ulong BasicTrueControls = 1ul << 55;
    private const ulong EptWalk4 = 1 << 6, EptWriteBack = 1 << 14, EptLargePages = 1 << 16, EptHugePages = 1 << 17, Invept = 1 << 20,
        InveptSingle = 1 << 25, InveptAll = 1 << 26, Invvpid = 1ul << 32, InvvpidSingle = 1ul << 41, InvvpidAll = 1ul << 42;
    private const int TimerRateMask = 31;

    /// <summary>Reads them on this processor, which must have VMX.</summary>
    public static VmxCapabilities OfThisProcessor()
    {
        VmxCapabilities result = default;
        result.Basic = Msr.Read(Msr.VmxBasic);
        bool isTrue = (result.Basic & BasicTrueControls) != 0;
        result.PinBased = Msr.Read(isTrue ? Msr.VmxTruePinBasedControls : Msr.VmxPinBasedControls);
        result.ProcessorBased = Msr.Read(isTrue ? Msr.VmxTrueProcessorBasedControls : Msr.VmxProcessorBasedControls);
        result.Exit = Msr.Read(isTrue ? Msr.VmxTrueExitControls : Msr.VmxExitControls);
        result.Entry = Msr.Read(isTrue ? Msr.VmxTrueEntryControls : Msr.VmxEntryControls);
        result.Misc = Msr.Read(Msr.VmxMisc);
        result.Cr0Fixed0 = Msr.Read(Msr.VmxCr0Fixed0);
        result.Cr0Fixed1 = Msr.Read(Msr.VmxCr0Fixed1);
        result.Cr4Fixed0 = Msr.Read(Msr.VmxCr4Fixed0);
        result.Cr4Fixed1 = Msr.Read(Msr.VmxCr4Fixed1);
        // The last two exist only where the controls that they describe do.
        if (MayBeSet(result.ProcessorBased, VmxControl.ActivateSecondary))
        {
            result.Secondary = Msr.Read(Msr.VmxSecondaryControls);
            if (MayBeSet(result.Secondary, VmxControl.EnableEpt) || MayBeSet(result.Secondary, VmxControl.EnableVpid))
                result.EptVpid = Msr.Read(Msr.VmxEptVpidCap);
        }
        return result;
    }

    /// <summary>What the VMXON region and each VMCS begin with.</summary>
    public readonly uint RevisionId => (uint)Basic & 0x7FFF_FFFF;

    /// <summary>1 GiB leaves in EPT.</summary>
    public readonly bool HasHugePages => (EptVpid & EptHugePages) != 0;

    /// <summary>INVEPT can name one EPT pointer; otherwise it forgets all.</summary>
    public readonly bool HasSingleInvept => (EptVpid & InveptSingle) != 0;

    /// <summary>INVVPID can name one VPID.</summary>
    public readonly bool HasSingleInvvpid => (EptVpid & (Invvpid | InvvpidSingle)) == (Invvpid | InvvpidSingle);

    /// <summary>The preemption timer counts down by one when the TSC's bit of this number changes.</summary>
    public readonly int PreemptionTimerShift => (int)Misc & TimerRateMask;

    /// <summary>Whether EPT has what Hv needs: four levels, write-back tables, 2 MiB pages, INVEPT.</summary>
    public readonly bool HasUsableEpt
    {
        get
        {
            const ulong needed = EptWalk4 | EptWriteBack | EptLargePages | Invept;
            return (EptVpid & needed) == needed && (EptVpid & (InveptSingle | InveptAll)) != 0;
        }
    }

    /// <summary>Whether a control can be 1: the capability's high half says so.</summary>
    public static bool MayBeSet(ulong capability, uint control) => ((uint)(capability >> 32) & control) == control;
}
