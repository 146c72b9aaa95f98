using System;
using Hv.Kernel.Instructions;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Svm;

/// <summary>AMD-V with nested paging: one virtual processor's VMCB (AMD APM vol. 2, chapter 15).</summary>
public unsafe struct SvmBackend : IVcpuBackend
{
    private const ulong InterruptFlag = 1 << 9;
    private const ulong NestedFaultWrite = 1 << 1, NestedFaultFetch = 1 << 4;
    private const byte DebugException = 1, NmiVector = 2, FirstInterruptVector = 32;
    private const ulong DebugSingleStep = 1 << 14; // DR6.BS

    private byte* _vmcb;
    private byte* _hostVmcb;
    private SvmTimer _timer;
    private ulong _preemption;
    private bool _nmiIsBlocked, _nmiBlockEnds;
    private SvmPermissionMaps _primaryMaps;
    private SvmPermissionMaps _shadowMaps;

    /// <summary>
    /// Prepares a VMCB for a primary. <paramref name="vmcb"/> is a zeroed page; <paramref name="hostVmcb"/> a page that holds what
    /// VMSAVE left of Hv's own state. <paramref name="asid"/> (not 0) keeps its translations apart from those of other virtual processors.
    /// </summary>
    public void Initialize(byte* vmcb, byte* hostVmcb, uint asid, SvmPermissionMaps primaryMaps, SvmPermissionMaps shadowMaps, HostPhysical nestedRoot)
    {
        _vmcb = vmcb;
        _primaryMaps = primaryMaps;
        _shadowMaps = shadowMaps;
        _hostVmcb = hostVmcb;
        _preemption = ulong.MaxValue;
        // Of a user program's SVM instruction the processor checks the privilege first; a guest without SVM must see #UD.
        *(uint*)(_vmcb + Vmcb.InterceptExceptions) = Vmcb.InterceptGeneralProtection;
        Intercept(SvmExitCode.Nmi);
        Intercept(SvmExitCode.Init);
        Intercept(SvmExitCode.Cpuid);
        Intercept(SvmExitCode.Invd);
        Intercept(SvmExitCode.InvlpgA);
        Intercept(SvmExitCode.Ioio);
        Intercept(SvmExitCode.Msr);
        Intercept(SvmExitCode.Shutdown);
        Intercept(SvmExitCode.Vmrun);
        Intercept(SvmExitCode.Vmmcall);
        Intercept(SvmExitCode.Vmload);
        Intercept(SvmExitCode.Vmsave);
        Intercept(SvmExitCode.Stgi);
        Intercept(SvmExitCode.Clgi);
        Intercept(SvmExitCode.Skinit);
        Intercept(SvmExitCode.Xsetbv);
        *(uint*)(_vmcb + Vmcb.GuestAsid) = asid;
        Word(Vmcb.NestedControl) = Vmcb.NestedPagingEnable;
        SetNestedRoot(nestedRoot);
        SetRole(shadow: false);
    }

    /// <inheritdoc/>
    public void SetRole(bool shadow)
    {
        SvmPermissionMaps maps = shadow ? _shadowMaps : _primaryMaps;
        Word(Vmcb.IopmBase) = (ulong)maps.Io;
        Word(Vmcb.MsrpmBase) = (ulong)maps.Msrs;
        // CR8 of a shadow is its virtual local APIC's. (QEMU 7.2 also fails when a guest writes CR8 while a virtual interrupt waits.)
        *(ushort*)(_vmcb + Vmcb.InterceptControlReads) = shadow ? Vmcb.InterceptCr8 : (ushort)0;
        *(ushort*)(_vmcb + Vmcb.InterceptControlWrites) = shadow ? Vmcb.InterceptCr8 : (ushort)0;
        SetInterruptExiting(shadow);
        SetInterruptWindow(false);
        SetHaltExiting(shadow);
        SetPreemption(ulong.MaxValue);
    }

    /// <inheritdoc/>
    /// <remarks>VMLOAD and VMSAVE in the entry stub do this.</remarks>
    public readonly void Activate()
    {
    }

    /// <inheritdoc/>
    public void Deactivate() => _timer.GiveBack();

    /// <inheritdoc/>
    public void LeaveProcessor()
    {
        _timer.GiveBack();
        FlushNested();
    }

    /// <inheritdoc/>
    public readonly bool HasPreemptionTimer => false;

    /// <inheritdoc/>
    /// <remarks>GIF is 0: an NMI waits until VMRUN.</remarks>
    public readonly void Prepare(VcpuRegisters* registers)
    {
    }

    /// <inheritdoc/>
    public readonly void WaitForNmi(VcpuRegisters* registers, ref VmExit exit) => Stubs.HaltUntilNmi();

    /// <inheritdoc/>
    public void Run(VcpuRegisters* registers, ref VmExit exit)
    {
        Word(Vmcb.Rax) = registers->General.Rax;
        Word(Vmcb.Rsp) = registers->General.Rsp;
        if (_preemption != ulong.MaxValue)
            _timer.Arm(_preemption);
        if ((Word(Vmcb.EventInjection) & (Vmcb.EventValid | Vmcb.EventTypeMask)) == (Vmcb.EventValid | Vmcb.EventInterrupt))
            TcgQuirks.BeforeInjection();
        bool hasVirtualInterrupt = (Word(Vmcb.VirtualInterrupt) & Vmcb.VirtualIrq) != 0;
        Stubs.SvmRun(registers, (ulong)_vmcb, (ulong)_hostVmcb);
        registers->General.Rax = Word(Vmcb.Rax);
        registers->General.Rsp = Word(Vmcb.Rsp);
        _vmcb[Vmcb.TlbControl] = 0;
        if (hasVirtualInterrupt)
            TcgQuirks.FindRequests();
        if (_nmiBlockEnds)
            _nmiIsBlocked = _nmiBlockEnds = false;
        if (Word(Vmcb.ExitCode) == SvmExitCode.Nmi)
            Stubs.TakeNmi();
        bool expired = Word(Vmcb.ExitCode) == SvmExitCode.Interrupt && _timer.GiveBack();
        // An event that was being delivered when the guest stopped is delivered again, unless the exit brings another.
        Word(Vmcb.EventInjection) = EventToRepeat(Word(Vmcb.ExitIntInfo));
        Decode(ref exit, expired);
    }

    /// <summary>What to inject after an exit whose EXITINTINFO is <paramref name="interrupted"/> (APM vol. 2, 15.7.2); 0: nothing.</summary>
    /// <remarks>
    /// QEMU calls an external interrupt that was not intercepted an exception there, and refuses to enter with exceptions of such vectors. No processor
    /// has exceptions from vector 32 on. A software interrupt is not repeated: RIP is still at its instruction.
    /// </remarks>
    public static ulong EventToRepeat(ulong interrupted)
    {
        ulong type = interrupted & Vmcb.EventTypeMask;
        if ((interrupted & Vmcb.EventValid) == 0 || type == Vmcb.EventSoftware)
            return 0;
        bool isException = type == Vmcb.EventException;
        return isException && (byte)interrupted >= FirstInterruptVector ? interrupted & ~Vmcb.EventTypeMask | Vmcb.EventInterrupt : interrupted;
    }

    /// <inheritdoc/>
    public ulong Rip { readonly get => Word(Vmcb.Rip); set => Word(Vmcb.Rip) = value; }

    /// <inheritdoc/>
    public ulong Rflags { readonly get => Word(Vmcb.Rflags); set => Word(Vmcb.Rflags) = value; }

    /// <inheritdoc/>
    public readonly ulong Cr0 => Word(Vmcb.Cr0);

    /// <inheritdoc/>
    public readonly ulong Cr4 => Word(Vmcb.Cr4);

    /// <inheritdoc/>
    /// <remarks>The processor wants SVME set in the guest's EFER; the guest never sees it.</remarks>
    public ulong Efer
    {
        readonly get => Word(Vmcb.Efer) & ~Msr.EferSvme;
        set => Word(Vmcb.Efer) = value | Msr.EferSvme;
    }

    /// <inheritdoc/>
    public readonly byte PrivilegeLevel => _vmcb[Vmcb.Cpl];

    /// <inheritdoc/>
    public readonly bool HasEvent => (Word(Vmcb.EventInjection) & Vmcb.EventValid) != 0;

    /// <inheritdoc/>
    public readonly bool CanTakeInterrupt =>
        !HasEvent && (Word(Vmcb.Rflags) & InterruptFlag) != 0 && (Word(Vmcb.InterruptShadow) & 1) == 0;

    /// <inheritdoc/>
    public readonly void Describe(ref InstructionContext context)
    {
        context.Rip = Word(Vmcb.Rip);
        context.Rflags = Word(Vmcb.Rflags);
        context.PrivilegeLevel = PrivilegeLevel;
        context.Segments.Es = Segment(Vmcb.Es).Base;
        context.Segments.Cs = Segment(Vmcb.Cs).Base;
        context.Segments.Ss = Segment(Vmcb.Ss).Base;
        context.Segments.Ds = Segment(Vmcb.Ds).Base;
        context.Segments.Fs = Segment(Vmcb.Fs).Base;
        context.Segments.Gs = Segment(Vmcb.Gs).Base;
        context.Paging.Cr0 = Cr0;
        context.Paging.Cr3 = Word(Vmcb.Cr3);
        context.Paging.Cr4 = Cr4;
        context.Paging.Efer = Efer;
        ushort attributes = Segment(Vmcb.Cs).Attributes;
        context.Mode = (attributes & SegmentState.AttributeLong) != 0 && (Efer & Msr.EferLma) != 0 ? CodeSize.Bits64
            : (attributes & SegmentState.AttributeDefault32) != 0 ? CodeSize.Bits32 : CodeSize.Bits16;
    }

    /// <inheritdoc/>
    public readonly void Save(ref VcpuState state)
    {
        state.Rip = Word(Vmcb.Rip);
        state.Rflags = Word(Vmcb.Rflags);
        state.Cr0 = Cr0;
        state.Cr2 = Word(Vmcb.Cr2);
        state.Cr3 = Word(Vmcb.Cr3);
        state.Cr4 = Cr4;
        state.Dr6 = Word(Vmcb.Dr6);
        state.Dr7 = Word(Vmcb.Dr7);
        state.Efer = Efer;
        state.Es = Segment(Vmcb.Es);
        state.Cs = Segment(Vmcb.Cs);
        state.Ss = Segment(Vmcb.Ss);
        state.Ds = Segment(Vmcb.Ds);
        state.Fs = Segment(Vmcb.Fs);
        state.Gs = Segment(Vmcb.Gs);
        state.Gdtr = Segment(Vmcb.Gdtr);
        state.Ldtr = Segment(Vmcb.Ldtr);
        state.Idtr = Segment(Vmcb.Idtr);
        state.Tr = Segment(Vmcb.Tr);
        state.Star = Word(Vmcb.Star);
        state.Lstar = Word(Vmcb.Lstar);
        state.Cstar = Word(Vmcb.Cstar);
        state.SyscallMask = Word(Vmcb.SyscallMask);
        state.KernelGsBase = Word(Vmcb.KernelGsBase);
        state.SysenterCs = Word(Vmcb.SysenterCs);
        state.SysenterEsp = Word(Vmcb.SysenterEsp);
        state.SysenterEip = Word(Vmcb.SysenterEip);
        state.Pat = Word(Vmcb.Pat);
        state.InterruptShadow = (Word(Vmcb.InterruptShadow) & 1) != 0;
        state.NmiIsBlocked = _nmiIsBlocked;
    }

    /// <inheritdoc/>
    public void Load(in VcpuState state)
    {
        Word(Vmcb.Rip) = state.Rip;
        Word(Vmcb.Rflags) = state.Rflags;
        Word(Vmcb.Cr0) = state.Cr0;
        Word(Vmcb.Cr2) = state.Cr2;
        Word(Vmcb.Cr3) = state.Cr3;
        Word(Vmcb.Cr4) = state.Cr4;
        Word(Vmcb.Dr6) = state.Dr6;
        Word(Vmcb.Dr7) = state.Dr7;
        Efer = state.Efer;
        Segment(Vmcb.Es) = state.Es;
        Segment(Vmcb.Cs) = state.Cs;
        Segment(Vmcb.Ss) = state.Ss;
        Segment(Vmcb.Ds) = state.Ds;
        Segment(Vmcb.Fs) = state.Fs;
        Segment(Vmcb.Gs) = state.Gs;
        Segment(Vmcb.Gdtr) = state.Gdtr;
        Segment(Vmcb.Ldtr) = state.Ldtr;
        Segment(Vmcb.Idtr) = state.Idtr;
        Segment(Vmcb.Tr) = state.Tr;
        _vmcb[Vmcb.Cpl] = state.Ss.PrivilegeLevel;
        Word(Vmcb.Star) = state.Star;
        Word(Vmcb.Lstar) = state.Lstar;
        Word(Vmcb.Cstar) = state.Cstar;
        Word(Vmcb.SyscallMask) = state.SyscallMask;
        Word(Vmcb.KernelGsBase) = state.KernelGsBase;
        Word(Vmcb.SysenterCs) = state.SysenterCs;
        Word(Vmcb.SysenterEsp) = state.SysenterEsp;
        Word(Vmcb.SysenterEip) = state.SysenterEip;
        Word(Vmcb.Pat) = state.Pat;
        Word(Vmcb.InterruptShadow) = state.InterruptShadow ? 1ul : 0;
        Word(Vmcb.EventInjection) = 0;
        _nmiBlockEnds = false;
        _nmiIsBlocked = state.NmiIsBlocked;
        SetIntercept(SvmExitCode.Iret, _nmiIsBlocked);
    }

    /// <inheritdoc/>
    public void InjectException(byte vector, bool hasErrorCode, uint errorCode) =>
        Word(Vmcb.EventInjection) = vector | Vmcb.EventException | Vmcb.EventValid |
            (hasErrorCode ? Vmcb.EventHasErrorCode | (ulong)errorCode << 32 : 0);

    /// <inheritdoc/>
    public void InjectInterrupt(byte vector) => Word(Vmcb.EventInjection) = vector | Vmcb.EventInterrupt | Vmcb.EventValid;

    /// <inheritdoc/>
    /// <remarks>The processor does not know that NMIs are blocked from now on, and exits at the IRET that ends it (APM vol. 2, 15.9 and 15.21.9).</remarks>
    public void InjectNmi()
    {
        Word(Vmcb.EventInjection) = NmiVector | Vmcb.EventNmi | Vmcb.EventValid;
        _nmiIsBlocked = true;
        SetIntercept(SvmExitCode.Iret, true);
    }

    /// <inheritdoc/>
    public readonly bool CanTakeNmi => !HasEvent && !_nmiIsBlocked;

    /// <inheritdoc/>
    /// <remarks>IRET exits anyhow. Behind an event that is on its way, or one instruction, a kick makes the guest exit again at once.</remarks>
    public readonly void SetNmiWindow(bool exit)
    {
        if (exit && (!_nmiIsBlocked || _nmiBlockEnds))
            PerProcessor.Current->Kick();
    }

    /// <inheritdoc/>
    public void SetInterruptWindow(bool exit)
    {
        SetIntercept(SvmExitCode.VirtualInterrupt, exit);
        ulong word = Word(Vmcb.VirtualInterrupt) & Vmcb.InterruptMasking;
        Word(Vmcb.VirtualInterrupt) = exit ? word | Vmcb.VirtualIrq | Vmcb.IgnoreTpr | Vmcb.HighestPriority : word;
    }

    /// <inheritdoc/>
    public void ClearInterruptShadow() => Word(Vmcb.InterruptShadow) = 0;

    /// <inheritdoc/>
    public void RaiseSingleStep()
    {
        if (HasEvent)
            return;
        Word(Vmcb.Dr6) |= DebugSingleStep;
        InjectException(DebugException, false, 0);
    }

    /// <inheritdoc/>
    public void SetHaltExiting(bool exit)
    {
        SetIntercept(SvmExitCode.Halt, exit);
        SetIntercept(SvmExitCode.Mwait, exit);
    }

    /// <inheritdoc/>
    public void SetInterruptExiting(bool exit)
    {
        SetIntercept(SvmExitCode.Interrupt, exit);
        // The guest's RFLAGS.IF must not hold back an interrupt that is to exit: physical ones obey Hv's IF instead.
        ulong word = Word(Vmcb.VirtualInterrupt);
        Word(Vmcb.VirtualInterrupt) = exit ? word | Vmcb.InterruptMasking : word & ~Vmcb.InterruptMasking;
    }

    /// <inheritdoc/>
    public void SetNestedRoot(HostPhysical root)
    {
        Word(Vmcb.NestedCr3) = root.Value;
        FlushNested();
    }

    /// <inheritdoc/>
    public void FlushNested() => _vmcb[Vmcb.TlbControl] = Vmcb.FlushAll;

    /// <inheritdoc/>
    public void SetPreemption(ulong ticks)
    {
        _preemption = ticks;
        if (ticks == ulong.MaxValue)
            _timer.GiveBack();
    }

    /// <inheritdoc/>
    public readonly void FindRequests() => TcgQuirks.FindRequests();

    /// <inheritdoc/>
    public void SetPageFaultAddress(GuestVirtual address) => Word(Vmcb.Cr2) = address.Value;

    private readonly ref ulong Word(int offset) => ref *(ulong*)(_vmcb + offset);

    private readonly ref SegmentState Segment(int offset) => ref *(SegmentState*)(_vmcb + offset);

    // The guest's own #GP goes on to it. It was stopped before the processor looked at what it interrupted, so that is done here.
    private ExitReason PassOnGeneralProtection(uint errorCode)
    {
        ulong interrupted = Word(Vmcb.EventInjection);
        bool isSecond = (interrupted & Vmcb.EventValid) != 0 && (interrupted & Vmcb.EventTypeMask) == Vmcb.EventException;
        switch (isSecond ? DoubleFault.After((byte)interrupted) : DoubleFaultOutcome.Serial)
        {
            case DoubleFaultOutcome.Shutdown:
                return ExitReason.TripleFault;
            case DoubleFaultOutcome.DoubleFault:
                InjectException(DoubleFault.Vector, true, 0);
                break;
            default:
                InjectException(DoubleFault.GeneralProtection, true, errorCode);
                break;
        }
        return ExitReason.GeneralProtection;
    }

    private void Intercept(int exitCode) => SetIntercept(exitCode, true);

    private void SetIntercept(int exitCode, bool exit)
    {
        bool first = exitCode < Vmcb.Misc2Codes;
        uint* word = (uint*)(_vmcb + (first ? Vmcb.InterceptMisc1 : Vmcb.InterceptMisc2));
        uint bit = 1u << (exitCode - (first ? Vmcb.Misc1Codes : Vmcb.Misc2Codes));
        *word = exit ? *word | bit : *word & ~bit;
    }

    private void Decode(ref VmExit exit, bool expired)
    {
        ulong code = Word(Vmcb.ExitCode);
        ulong info = Word(Vmcb.ExitInfo1);
        exit.Code = code;
        exit.Detail = info;
        exit.InstructionLength = 0;
        switch (code)
        {
            case SvmExitCode.Cpuid: exit.Reason = ExitReason.Cpuid; return;
            case SvmExitCode.Msr: exit.Reason = (info & 1) != 0 ? ExitReason.MsrWrite : ExitReason.MsrRead; return;
            case SvmExitCode.Ioio:
                exit.Reason = ExitReason.PortAccess;
                exit.IsInput = (info & 1) != 0;
                exit.IsString = (info & 4) != 0;
                exit.Size = (byte)(info >> 4 & 7);
                exit.Port = (ushort)(info >> 16);
                exit.InstructionLength = (byte)(Word(Vmcb.ExitInfo2) - Rip);
                return;
            case SvmExitCode.NestedPageFault:
                exit.Reason = ExitReason.NestedPageFault;
                exit.IsWrite = (info & NestedFaultWrite) != 0;
                exit.IsFetch = (info & NestedFaultFetch) != 0;
                exit.Address = new GuestPhysical(Word(Vmcb.ExitInfo2));
                return;
            case SvmExitCode.Iret:
                // It is executed at the next entry; until the exit after that one NMIs stay blocked.
                SetIntercept(SvmExitCode.Iret, false);
                _nmiBlockEnds = true;
                exit.Reason = ExitReason.NonMaskableInterrupt;
                return;
            case SvmExitCode.GeneralProtection: exit.Reason = PassOnGeneralProtection((uint)info); return;
            case SvmExitCode.Halt: exit.Reason = ExitReason.Halt; return;
            case SvmExitCode.Mwait: exit.Reason = ExitReason.MonitorWait; return;
            case SvmExitCode.Monitor: exit.Reason = ExitReason.Monitor; return;
            case SvmExitCode.Xsetbv: exit.Reason = ExitReason.Xsetbv; return;
            case SvmExitCode.Vmmcall: exit.Reason = ExitReason.Hypercall; return;
            case SvmExitCode.Invd: exit.Reason = ExitReason.InvalidateCaches; return;
            case SvmExitCode.Interrupt: exit.Reason = expired ? ExitReason.TimerExpired : ExitReason.ExternalInterrupt; return;
            case SvmExitCode.Nmi:
                bool isShadowLost = TcgQuirks.ForgetsInterruptShadow && (Word(Vmcb.InterruptShadow) & 1) != 0;
                exit.Reason = isShadowLost ? ExitReason.LostInterruptShadow : ExitReason.NonMaskableInterrupt;
                return;
            case SvmExitCode.VirtualInterrupt: exit.Reason = ExitReason.InterruptWindow; return;
            case SvmExitCode.ReadCr8:
            case SvmExitCode.WriteCr8: exit.Reason = ExitReason.TaskPriority; return;
            case SvmExitCode.Shutdown: exit.Reason = ExitReason.TripleFault; return;
            case SvmExitCode.Init: exit.Reason = ExitReason.Init; return;
            case uint.MaxValue: // What QEMU 7.2 writes.
            case ulong.MaxValue: exit.Reason = ExitReason.EntryFailed; return;
            default:
                exit.Reason = code >= SvmExitCode.Vmrun && code <= SvmExitCode.Skinit || code == SvmExitCode.InvlpgA
                    ? ExitReason.VirtualizationInstruction : ExitReason.Unknown;
                return;
        }
    }
}
