using Hv.Kernel.Instructions;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <summary>VT-x with EPT and unrestricted guests: one virtual processor's VMCS (Intel SDM vol. 3C, chapters 25 to 29).</summary>
/// <remarks>Any member may be used while another VMCS is current: it makes its own current first.</remarks>
public unsafe partial struct VmxBackend : IVcpuBackend
{
    private const byte GeneralProtection = 13;
    private const ulong InterruptFlag = 1 << 9, TrapFlag = 1 << 8;
    private const ulong Cr0ProtectedMode = 1 << 0, Cr0NotWriteThrough = 1 << 29, Cr0CacheDisable = 1 << 30, Cr0Paging = 1ul << 31;
    private const ulong Cr4Vmxe = 1 << 13, Cr4Smxe = 1 << 14;
    private const uint EptWriteBack = 6, EptWalk4 = 3 << 3;
    private const ulong ActivityHlt = 1; // guest activity state, SDM vol. 3C, 25.4.2
    private const ulong InvalidateSingle = 1, InvalidateAll = 2;

    private VmxOperation _operation;
    private VmxPermissionMaps _primaryMaps;
    private VmxPermissionMaps _shadowMaps;
    private byte* _vmcs;
    private VmxProcessorState _inProcessor;
    private ulong _eptPointer;
    private ulong _cr0Mask;
    private ulong _cr4Mask;
    private ulong _preemption;
    private ulong _vpid;
    private uint _pinControls;
    private uint _processorControls;
    private uint _event;
    private uint _eventErrorCode;
    private uint _eventLength;
    private uint _launched;

    /// <inheritdoc/>
    public void Prepare(VcpuRegisters* registers)
    {
        Use();
        Vmcs.Write(VmcsField.GuestRsp, registers->General.Rsp);
        if (_preemption != ulong.MaxValue)
            Vmcs.Write(VmcsField.PreemptionTimer, System.Math.Min(_preemption >> _operation.Capabilities.PreemptionTimerShift, uint.MaxValue));
        if (_launched == 0)
            WriteHostControlRegisters();
    }

    /// <inheritdoc/>
    public void WaitForNmi(VcpuRegisters* registers, ref VmExit exit)
    {
        Vmcs.Write(VmcsField.GuestActivity, ActivityHlt);
        Run(registers, ref exit);
    }

    /// <inheritdoc/>
    /// <remarks>From <see cref="Prepare"/> on an NMI to Hv writes to the VMCS itself (<see cref="VmxOperation"/>, ExitAtOnce).</remarks>
    public void Run(VcpuRegisters* registers, ref VmExit exit)
    {
        if (HasEvent)
            WriteEvent();
        exit.InstructionLength = 0;
        uint failed = Stubs.VmxEnter(registers, _launched);
        if (failed != 0)
        {
            exit.Reason = ExitReason.EntryFailed;
            exit.Code = failed == 1 ? Vmcs.Read(VmcsField.InstructionError) : ulong.MaxValue;
            VmxReport.EntryFailed(exit.Code);
            return;
        }
        _launched = 1;
        registers->General.Rsp = Vmcs.Read(VmcsField.GuestRsp);
        // A guest that waited in HLT goes on: halted virtual processors are the loop's affair, which sees HLT itself.
        Vmcs.Write(VmcsField.GuestActivity, 0);
        KeepInterruptedEvent();
        Decode(registers, ref exit);
    }

    /// <inheritdoc/>
    public ulong Rip
    {
        readonly get => Read(VmcsField.GuestRip);
        set => Write(VmcsField.GuestRip, value);
    }

    /// <inheritdoc/>
    public ulong Rflags
    {
        readonly get => Read(VmcsField.GuestRflags);
        set => Write(VmcsField.GuestRflags, value);
    }

    /// <inheritdoc/>
    public readonly ulong Cr0 =>
        (Read(VmcsField.GuestCr0) & ~_cr0Mask) | (Read(VmcsField.Cr0ReadShadow) & _cr0Mask);

    /// <inheritdoc/>
    public readonly ulong Cr4 =>
        (Read(VmcsField.GuestCr4) & ~_cr4Mask) | (Read(VmcsField.Cr4ReadShadow) & _cr4Mask);

    /// <inheritdoc/>
    public ulong Efer
    {
        readonly get => Read(VmcsField.GuestEfer);
        set
        {
            Write(VmcsField.GuestEfer, value);
            Vmcs.Write(VmcsField.EntryControls, _operation.Controls.Entry | ((value & Msr.EferLma) != 0 ? VmxControl.EntryIa32eMode : 0));
        }
    }

    /// <inheritdoc/>
    /// <remarks>It is SS's, whatever is in SS.</remarks>
    public readonly byte PrivilegeLevel => (byte)(AccessRights(VmcsField.Ss) >> VmxAccessRights.PrivilegeLevelShift & 3);

    /// <inheritdoc/>
    public readonly bool HasEvent => (_event & VmxEvent.Valid) != 0;

    /// <inheritdoc/>
    public readonly bool CanTakeInterrupt => !HasEvent && (Rflags & InterruptFlag) != 0 &&
        (Read(VmcsField.GuestInterruptibility) & (VmxEvent.BlockedBySti | VmxEvent.BlockedByMovSs)) == 0;

    /// <inheritdoc/>
    public readonly bool HasPreemptionTimer => true;

    /// <inheritdoc/>
    public readonly void Describe(ref InstructionContext context)
    {
        context.Rip = Rip;
        context.Rflags = Rflags;
        context.PrivilegeLevel = PrivilegeLevel;
        context.Segments.Es = SegmentBase(VmcsField.Es);
        context.Segments.Cs = SegmentBase(VmcsField.Cs);
        context.Segments.Ss = SegmentBase(VmcsField.Ss);
        context.Segments.Ds = SegmentBase(VmcsField.Ds);
        context.Segments.Fs = SegmentBase(VmcsField.Fs);
        context.Segments.Gs = SegmentBase(VmcsField.Gs);
        context.Paging.Cr0 = Cr0;
        context.Paging.Cr3 = Read(VmcsField.GuestCr3);
        context.Paging.Cr4 = Cr4;
        context.Paging.Efer = Efer;
        uint rights = AccessRights(VmcsField.Cs);
        context.Mode = (rights & VmxAccessRights.Long) != 0 && (context.Paging.Efer & Msr.EferLma) != 0 ? CodeSize.Bits64
            : (rights & VmxAccessRights.Default32) != 0 ? CodeSize.Bits32 : CodeSize.Bits16;
    }

    /// <inheritdoc/>
    public void InjectException(byte vector, bool hasErrorCode, uint errorCode)
    {
        // In real mode no exception pushes an error code, and VM entry insists on that (SDM vol. 3C, 27.2.1.3).
        hasErrorCode &= (Cr0 & Cr0ProtectedMode) != 0;
        _event = vector | VmxEvent.HardwareException | VmxEvent.Valid | (hasErrorCode ? VmxEvent.HasErrorCode : 0);
        _eventErrorCode = errorCode;
    }

    /// <inheritdoc/>
    public void InjectInterrupt(byte vector) => _event = vector | VmxEvent.ExternalInterrupt | VmxEvent.Valid;

    /// <inheritdoc/>
    public void SetInterruptWindow(bool exit) => SetProcessorControl(VmxControl.InterruptWindowExiting, exit);

    /// <inheritdoc/>
    public readonly void ClearInterruptShadow()
    {
        ulong state = Read(VmcsField.GuestInterruptibility);
        if ((state & (VmxEvent.BlockedBySti | VmxEvent.BlockedByMovSs)) != 0)
            Vmcs.Write(VmcsField.GuestInterruptibility, state & ~(ulong)(VmxEvent.BlockedBySti | VmxEvent.BlockedByMovSs));
    }

    /// <inheritdoc/>
    public readonly void RaiseSingleStep() =>
        Write(VmcsField.GuestPendingDebug, Read(VmcsField.GuestPendingDebug) | PendingSingleStep);

    /// <inheritdoc/>
    public void SetHaltExiting(bool exit) => SetProcessorControl(_operation.Controls.HaltExiting, exit);

    /// <inheritdoc/>
    public void SetInterruptExiting(bool exit) => SetPinControl(VmxControl.PinExternalInterruptExiting, exit);

    /// <inheritdoc/>
    public void SetPreemption(ulong ticks)
    {
        _preemption = ticks;
        SetPinControl(VmxControl.PinPreemptionTimer, ticks != ulong.MaxValue);
    }

    /// <inheritdoc/>
    /// <remarks>CR8 of a shadow is its virtual local APIC's.</remarks>
    public void SetRole(bool shadow)
    {
        VmxPermissionMaps maps = shadow ? _shadowMaps : _primaryMaps;
        Write(VmcsField.IoBitmapA, (ulong)maps.Io);
        Write(VmcsField.IoBitmapB, (ulong)maps.Io + PageSize.Small);
        Write(VmcsField.MsrBitmaps, (ulong)maps.Msrs);
        SetProcessorControl(VmxControl.Cr8LoadExiting | VmxControl.Cr8StoreExiting, shadow);
        SetInterruptExiting(shadow);
        SetInterruptWindow(false);
        SetHaltExiting(shadow);
        SetPreemption(ulong.MaxValue);
    }

    /// <inheritdoc/>
    public void SetNestedRoot(HostPhysical root)
    {
        _eptPointer = root.Value | EptWriteBack | EptWalk4;
        Write(VmcsField.EptPointer, _eptPointer);
        FlushNested();
    }

    /// <inheritdoc/>
    public readonly void FlushNested()
    {
        ulong* descriptor = stackalloc ulong[2];
        descriptor[0] = _eptPointer;
        descriptor[1] = 0;
        uint failed = Stubs.Invept(_operation.Capabilities.HasSingleInvept ? InvalidateSingle : InvalidateAll, descriptor);
        Invariant.Holds(failed == 0, "INVEPT");
    }

    /// <inheritdoc/>
    public readonly void FindRequests()
    {
    }

    /// <inheritdoc/>
    public void SetPageFaultAddress(GuestVirtual address)
    {
        if (IsActive)
            Stubs.WriteCr2(address.Value);
        else
            _inProcessor.SetCr2(address.Value);
    }

    /// <inheritdoc/>
    public void Activate()
    {
        _operation.Active = _vmcs;
        _inProcessor.WriteProcessor();
        WriteCachingBits();
    }

    /// <inheritdoc/>
    public void LeaveProcessor()
    {
        _operation.Release(_vmcs);
        _launched = 0;
    }

    /// <inheritdoc/>
    public void Deactivate()
    {
        _inProcessor.ReadProcessor();
        _operation.Active = null;
    }

    private readonly bool IsActive => _operation.Active == _vmcs;

    private readonly void Use() => _operation.Use(_vmcs);

    private readonly ulong Read(uint field)
    {
        Use();
        return Vmcs.Read(field);
    }

    private readonly void Write(uint field, ulong value)
    {
        Use();
        Vmcs.Write(field, value);
    }

    private void SetPinControl(uint control, bool set)
    {
        uint controls = set ? _pinControls | control : _pinControls & ~control;
        if (controls == _pinControls)
            return;
        _pinControls = controls;
        Write(VmcsField.PinBasedControls, controls);
    }

    private void SetProcessorControl(uint control, bool set)
    {
        uint controls = set ? _processorControls | control : _processorControls & ~control;
        if (controls == _processorControls)
            return;
        _processorControls = controls;
        Write(VmcsField.ProcessorBasedControls, controls);
    }

    // VM entry and exit leave these two bits of CR0 as they are (27.3.2.1): a guest that turns caches off turns them off for Hv, too,
    // and a guest that takes the processor over from another one must find its own setting.
    private readonly void WriteCachingBits()
    {
        const ulong caching = Cr0CacheDisable | Cr0NotWriteThrough;
        ulong now = Stubs.ReadCr0(), wanted = (now & ~caching) | (Cr0 & caching);
        if (wanted != now)
            Stubs.WriteCr0(wanted);
    }

    private readonly void WriteHostControlRegisters()
    {
        Vmcs.Write(VmcsField.HostCr0, Stubs.ReadCr0());
        Vmcs.Write(VmcsField.HostCr3, Stubs.ReadCr3());
        Vmcs.Write(VmcsField.HostCr4, Stubs.ReadCr4());
    }
}
