namespace Hv.Kernel.Processor;

/// <summary>Model-specific registers (Intel SDM vol. 4, chapter 2; AMD APM vol. 2, appendix A).</summary>
#pragma warning disable CS1591 // the registers are named as the manuals name them
public static class Msr
{
    public const uint TimeStampCounter = 0x10;
    public const uint ApicBase = 0x1B;
    public const uint FeatureControl = 0x3A;
    public const uint TscAdjust = 0x3B;
    public const uint SpecCtrl = 0x48;
    public const uint PredCmd = 0x49;
    public const uint BiosUpdateTrigger = 0x79;
    public const uint BiosSignatureId = 0x8B;
    public const uint MtrrCap = 0xFE;
    public const uint SysenterCs = 0x174;
    public const uint SysenterEsp = 0x175;
    public const uint SysenterEip = 0x176;
    public const uint MiscEnable = 0x1A0;
    public const uint PerfEventSelect0 = 0x186;
    public const uint DebugCtl = 0x1D9;
    public const uint MtrrPhysBase0 = 0x200;
    public const uint MtrrFix64K00000 = 0x250;
    public const uint MtrrFix16K80000 = 0x258;
    public const uint MtrrFix16KA0000 = 0x259;
    public const uint MtrrFix4KC0000 = 0x268;
    public const uint MtrrFix4KF8000 = 0x26F;
    public const uint Pat = 0x277;
    /// <summary><see cref="Pat"/> after a reset: what Hv's own page tables count on (Intel SDM vol. 3A, 12.12.4).</summary>
    public const ulong PatAfterReset = 0x0007_0406_0007_0406;
    public const uint MtrrDefType = 0x2FF;
    public const uint PerfFixedCounterControl = 0x38D;
    public const uint PerfGlobalCtrl = 0x38F;
    public const uint VmxBasic = 0x480;
    public const uint VmxPinBasedControls = 0x481;
    public const uint VmxProcessorBasedControls = 0x482;
    public const uint VmxExitControls = 0x483;
    public const uint VmxEntryControls = 0x484;
    public const uint VmxMisc = 0x485;
    public const uint VmxCr0Fixed0 = 0x486;
    public const uint VmxCr0Fixed1 = 0x487;
    public const uint VmxCr4Fixed0 = 0x488;
    public const uint VmxCr4Fixed1 = 0x489;
    public const uint VmxSecondaryControls = 0x48B;
    public const uint VmxEptVpidCap = 0x48C;
    public const uint VmxTruePinBasedControls = 0x48D;
    public const uint VmxTrueProcessorBasedControls = 0x48E;
    public const uint VmxTrueExitControls = 0x48F;
    public const uint VmxTrueEntryControls = 0x490;
    public const uint VmxLast = 0x49F;
    public const uint TscDeadline = 0x6E0;
    public const uint X2ApicFirst = 0x800;
    public const uint X2ApicLast = 0x8FF;
    public const uint Xss = 0xDA0;
    public const uint Efer = 0xC000_0080;
    public const uint Star = 0xC000_0081;
    public const uint Lstar = 0xC000_0082;
    public const uint Cstar = 0xC000_0083;
    public const uint SyscallMask = 0xC000_0084;
    public const uint FsBase = 0xC000_0100;
    public const uint GsBase = 0xC000_0101;
    public const uint KernelGsBase = 0xC000_0102;
    public const uint TscAux = 0xC000_0103;
    public const uint AmdPerfEventSelect0 = 0xC001_0000;
    public const uint VmCr = 0xC001_0114;
    public const uint VmHsavePa = 0xC001_0117;

    /// <summary>IA32_APIC_BASE: the local APIC is on (SDM vol. 3A, 11.4.4).</summary>
    public const ulong ApicBaseEnable = 1 << 11;
    /// <summary>IA32_APIC_BASE: x2APIC mode.</summary>
    public const ulong ApicBaseX2Apic = 1 << 10;
    /// <summary>IA32_FEATURE_CONTROL: written once, then fixed until reset (SDM vol. 3C, 24.7).</summary>
    public const ulong FeatureControlLock = 1 << 0;
    /// <summary>IA32_FEATURE_CONTROL: VMXON is allowed outside SMX.</summary>
    public const ulong FeatureControlVmxOutsideSmx = 1 << 2;
    /// <summary>EFER: SYSCALL.</summary>
    public const ulong EferSce = 1 << 0;
    /// <summary>EFER: long mode is asked for.</summary>
    public const ulong EferLme = 1 << 8;
    /// <summary>EFER: long mode is on.</summary>
    public const ulong EferLma = 1 << 10;
    /// <summary>EFER: no-execute.</summary>
    public const ulong EferNxe = 1 << 11;
    /// <summary>EFER: SVM (APM vol. 2, 15.4).</summary>
    public const ulong EferSvme = 1 << 12;
    /// <summary>VM_CR: EFER.SVME cannot be set (APM vol. 2, 15.30.1).</summary>
    public const ulong VmCrSvmDisable = 1 << 4;

    /// <summary>Reads an MSR that is known to exist.</summary>
    public static unsafe ulong Read(uint index)
    {
        ulong value = 0;
        _ = Stubs.ReadMsr(index, &value);
        return value;
    }

    /// <summary>Reads an MSR; <see cref="Status.Unsupported"/> if the processor refuses. Needs Hv's IDT.</summary>
    public static unsafe Result<ulong> TryRead(uint index)
    {
        ulong value = 0;
        return Stubs.ReadMsr(index, &value) != 0 ? value : Status.Unsupported;
    }

    /// <summary>Writes an MSR; <see cref="Status.Unsupported"/> if the processor refuses. Needs Hv's IDT unless it cannot.</summary>
    public static Status Write(uint index, ulong value) => Stubs.WriteMsr(index, value) != 0 ? Status.Ok : Status.Unsupported;
}
