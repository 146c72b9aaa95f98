using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>Reads the state that this processor is in, as the state of the guest that it is about to become.</summary>
public static unsafe class CurrentState
{
    private const uint TableIndicator = 4, SelectorIndexMask = 0xFFF8;
    private const ushort UnusableAttributes = 0;

    /// <summary>Everything but RIP, RSP and the general registers.</summary>
    public static void Capture(ref VcpuState state)
    {
        PseudoDescriptor gdt, idt;
        Stubs.StoreGdt(&gdt);
        Stubs.StoreIdt(&idt);
        state.Gdtr.Base = gdt.Base;
        state.Gdtr.Limit = gdt.Limit;
        state.Idtr.Base = idt.Base;
        state.Idtr.Limit = idt.Limit;
        state.Cs = Segment(Stubs.ReadCs(), gdt);
        state.Ss = Segment(Stubs.ReadSs(), gdt);
        state.Ds = Segment(Stubs.ReadDs(), gdt);
        state.Es = Segment(Stubs.ReadEs(), gdt);
        state.Fs = Segment(Stubs.ReadFs(), gdt);
        state.Gs = Segment(Stubs.ReadGs(), gdt);
        state.Fs.Base = Msr.Read(Msr.FsBase);
        state.Gs.Base = Msr.Read(Msr.GsBase);
        state.Ldtr = Segment(Stubs.ReadLdt(), gdt);
        state.Tr = Segment(Stubs.ReadTr(), gdt);
        const ushort busyTask = 0x8B;
        if ((state.Tr.Attributes & SegmentState.AttributePresent) == 0)
        {
            // Firmware that never loaded TR: VM entry on Intel still wants a busy TSS (SDM vol. 3C, 27.3.1.2).
            state.Tr.Attributes = busyTask;
            state.Tr.Limit = 0x67;
        }
        state.Rflags = Stubs.ReadFlags();
        state.Cr0 = Stubs.ReadCr0();
        state.Cr2 = Stubs.ReadCr2();
        state.Cr3 = Stubs.ReadCr3();
        state.Cr4 = Stubs.ReadCr4();
        state.Dr6 = Stubs.ReadDr6();
        state.Dr7 = Stubs.ReadDr7();
        fixed (ulong* addresses = state.DebugAddresses)
            Stubs.ReadDebugAddresses(addresses);
        state.Efer = Msr.Read(Msr.Efer) & ~Msr.EferSvme;
        state.SysenterCs = Msr.Read(Msr.SysenterCs);
        state.SysenterEsp = Msr.Read(Msr.SysenterEsp);
        state.SysenterEip = Msr.Read(Msr.SysenterEip);
        state.Star = Msr.Read(Msr.Star);
        state.Lstar = Msr.Read(Msr.Lstar);
        state.Cstar = Msr.Read(Msr.Cstar);
        state.SyscallMask = Msr.Read(Msr.SyscallMask);
        state.KernelGsBase = Msr.Read(Msr.KernelGsBase);
        state.Pat = Msr.Read(Msr.Pat);
    }

    private static SegmentState Segment(uint selector, PseudoDescriptor gdt)
    {
        SegmentState segment = default;
        segment.Selector = (ushort)selector;
        uint index = selector & SelectorIndexMask;
        if (index == 0 || (selector & TableIndicator) != 0 || index + 7 > gdt.Limit)
        {
            segment.Attributes = UnusableAttributes;
            return segment;
        }
        ulong low = *(ulong*)(gdt.Base + index);
        segment.Attributes = (ushort)((low >> 40 & 0xFF) | (low >> 52 & 0xF) << 8);
        uint limit = (uint)((low & 0xFFFF) | (low >> 48 & 0xF) << 16);
        segment.Limit = (segment.Attributes & SegmentState.AttributeGranular) != 0 ? limit << 12 | 0xFFF : limit;
        segment.Base = (low >> 16 & 0xFF_FFFF) | (low >> 56 & 0xFF) << 24;
        const ushort codeOrData = 1 << 4;
        if ((segment.Attributes & codeOrData) == 0 && index + 15 <= gdt.Limit)
            segment.Base |= *(ulong*)(gdt.Base + index + 8) << 32;
        return segment;
    }
}
