using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>The state in which firmware starts an OS after S3 (ACPI 6.5, 16.3.1.2 and table 5.16): nothing of what it was before.</summary>
public static class WakingState
{
    private const uint VectorLimit = 0x10_0000;
    private const uint RealModeLimit = 0xFFFF, FlatLimit = uint.MaxValue;
    private const int ParagraphShift = 4;
    private const int StartUpSelectorShift = 8;
    private const ulong CachingBits = 3ul << 29; // CR0.CD and CR0.NW
    private const uint ParagraphMask = 0xF;
    private const ulong ExtensionType = 1 << 4, ProtectedMode = 1 << 0;
    private const ulong ReservedFlag = 1 << 1, DebugStatus = 0xFFFF_0FF0, DebugControl = 0x400;
    private const ushort RealCode = 0x9B, RealData = 0x93, FlatCode = 0xC9B, FlatData = 0xC93, LocalTable = 0x82, BusyTask = 0x8B;
    private const ushort FlatCodeSelector = 0x08, FlatDataSelector = 0x10;

    /// <summary>Real mode at the waking vector. False: it is 0, or not below 1 MiB.</summary>
    public static bool TryReal(uint vector, ref VcpuState state)
    {
        if (vector is 0 or >= VectorLimit)
            return false;
        Reset(ref state);
        state.Cr0 = ExtensionType;
        state.Rip = vector & ParagraphMask;
        state.Cs = Segment((ushort)(vector >> ParagraphShift), RealCode, RealModeLimit);
        state.Cs.Base = vector & ~ParagraphMask;
        SetData(ref state, Segment(0, RealData, RealModeLimit));
        return true;
    }

    /// <summary>Protected mode without paging at the extended waking vector. False: it is 0, or not below 4 GiB.</summary>
    public static bool TryProtected(ulong vector, ref VcpuState state)
    {
        if (vector is 0 or > uint.MaxValue)
            return false;
        Reset(ref state);
        state.Cr0 = ExtensionType | ProtectedMode;
        state.Rip = vector;
        state.Cs = Segment(FlatCodeSelector, FlatCode, FlatLimit);
        SetData(ref state, Segment(FlatDataSelector, FlatData, FlatLimit));
        return true;
    }

    /// <summary>
    /// What INIT makes of a processor's state (Intel SDM vol. 3A, table 10-1): that after a reset, but that MSRs which system software sets up stay, and so do CR0's caching bits.
    /// </summary>
    public static void Initialize(ref VcpuState state)
    {
        VcpuState before = state;
        Reset(ref state);
        state.Cr0 = ExtensionType | before.Cr0 & CachingBits;
        state.Pat = before.Pat;
        state.Star = before.Star;
        state.Lstar = before.Lstar;
        state.Cstar = before.Cstar;
        state.SyscallMask = before.SyscallMask;
        state.KernelGsBase = before.KernelGsBase;
        state.SysenterCs = before.SysenterCs;
        state.SysenterEsp = before.SysenterEsp;
        state.SysenterEip = before.SysenterEip;
        StartAt(0, ref state);
    }

    /// <summary>Where a start-up message with <paramref name="vector"/> lets a processor begin (Intel SDM vol. 3A, 10.4.4): real mode, at vector times 4 KiB.</summary>
    public static void StartAt(byte vector, ref VcpuState state)
    {
        state.Rip = 0;
        state.Cs = Segment((ushort)(vector << StartUpSelectorShift), RealCode, RealModeLimit);
        state.Cs.Base = (ulong)vector << PageSize.SmallShift;
        SetData(ref state, Segment(0, RealData, RealModeLimit));
    }

    private static void Reset(ref VcpuState state)
    {
        state = default;
        state.Rflags = ReservedFlag;
        state.Dr6 = DebugStatus;
        state.Dr7 = DebugControl;
        state.Pat = Msr.PatAfterReset;
        state.Gdtr.Limit = state.Idtr.Limit = RealModeLimit;
        state.Ldtr = Segment(0, LocalTable, RealModeLimit);
        state.Tr = Segment(0, BusyTask, RealModeLimit);
    }

    private static void SetData(ref VcpuState state, SegmentState segment) =>
        state.Ds = state.Es = state.Ss = state.Fs = state.Gs = segment;

    private static SegmentState Segment(ushort selector, ushort attributes, uint limit)
    {
        SegmentState segment = default;
        segment.Selector = selector;
        segment.Attributes = attributes;
        segment.Limit = limit;
        return segment;
    }
}
