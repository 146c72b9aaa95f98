using System;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Instructions;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>A virtual processor on one back-end: enters the guest and handles its exits.</summary>
/// <remarks>Runs on the processor that owns it. The compiler makes one copy of this class for each back-end, without virtual calls to it.</remarks>
public sealed unsafe class VcpuOf<TBackend> : Vcpu where TBackend : struct, IVcpuBackend
{
    private const byte InvalidOpcode = 6, GeneralProtection = 13, PageFault = 14;

    /// <summary>The control block.</summary>
    public TBackend Backend;

    /// <summary>MAXPHYADDR.</summary>
    public byte PhysicalAddressBits = 40;

    private VmExit _exit;
    private VcpuState _reset;

    /// <summary>The last exit.</summary>
    public ref readonly VmExit LastExit => ref _exit;

    /// <summary>Enters the guest, and handles the exit that follows as far as it concerns this VM alone. Returns its reason.</summary>
    public ExitReason RunOnce()
    {
        Backend.Prepare(Registers);
        if (!TryEnter())
            return ExitReason.Attention;
        if (HasNmi)
            OfferNmi();
        Backend.Run(Registers, ref _exit);
        Leave();
        Exits[(int)_exit.Reason]++;
        if (!Machine.TryEnter(this, _exit.Reason))
        {
            Handle();
            return _exit.Reason;
        }
        Handle();
        Machine.Leave(this);
        return _exit.Reason;
    }

    /// <summary>In the place of <see cref="RunOnce"/> while the guest waits for a start-up message: returns when the processor is wanted.</summary>
    public void WaitForStartUp()
    {
        Backend.Prepare(Registers);
        if (!TryEnter())
            return;
        Backend.WaitForNmi(Registers, ref _exit);
        Leave();
    }

    private void OfferNmi()
    {
        bool can = Backend.CanTakeNmi;
        if (can)
        {
            HasNmi = false;
            Backend.InjectNmi();
        }
        Backend.SetNmiWindow(!can);
    }

    /// <inheritdoc/>
    public override void Initialize()
    {
        _reset = default;
        Backend.Save(ref _reset);
        WakingState.Initialize(ref _reset);
        Load(in _reset);
        WaitsForStartUp = true;
        HasNmi = false;
    }

    /// <inheritdoc/>
    public override void StartUp(byte vector)
    {
        Backend.Save(ref _reset);
        WakingState.StartAt(vector, ref _reset);
        Load(in _reset);
        WaitsForStartUp = false;
        StartUps++;
    }

    /// <inheritdoc/>
    public override void Save(ref VcpuState state)
    {
        Backend.Save(ref state);
        state.Registers = *Registers;
    }

    /// <inheritdoc/>
    public override void Load(in VcpuState state)
    {
        Backend.Load(in state);
        *Registers = state.Registers;
        IsHalted = false;
    }

    /// <inheritdoc/>
    public override bool HasEvent => Backend.HasEvent;

    /// <inheritdoc/>
    public override bool CanTakeInterrupt => Backend.CanTakeInterrupt;

    /// <inheritdoc/>
    public override void InjectInterrupt(byte vector) => Backend.InjectInterrupt(vector);

    /// <inheritdoc/>
    public override void OpenInterruptWindow() => Backend.SetInterruptWindow(true);

    /// <inheritdoc/>
    public override void SetRole(bool shadow) => Backend.SetRole(shadow);

    /// <inheritdoc/>
    public override void EndTimeLimit() => Backend.SetPreemption(ulong.MaxValue);

    /// <inheritdoc/>
    public override void SetNestedRoot(HostPhysical root) => Backend.SetNestedRoot(root);

    /// <inheritdoc/>
    public override void FlushNested() => Backend.FlushNested();

    /// <inheritdoc/>
    public override void WakeUp()
    {
        if (!IsHalted)
            return;
        IsHalted = false;
        Advance(HaltLength);
    }

    private void Handle()
    {
        switch (_exit.Reason)
        {
            case ExitReason.Cpuid:
                HandleCpuid();
                break;
            case ExitReason.MsrRead:
                HandleMsrRead();
                break;
            case ExitReason.MsrWrite:
                HandleMsrWrite();
                break;
            case ExitReason.PortAccess:
                HandlePort();
                break;
            case ExitReason.NestedPageFault:
                HandleNestedFault();
                break;
            case ExitReason.Halt:
            case ExitReason.MonitorWait:
                BeginWait();
                break;
            case ExitReason.Xsetbv:
                HandleXsetbv();
                break;
            case ExitReason.Hypercall:
                HandleHypercall();
                break;
            case ExitReason.VirtualizationInstruction:
                Backend.InjectException(InvalidOpcode, false, 0);
                break;
            case ExitReason.GeneralProtection:
                HandleGeneralProtection();
                break;
            case ExitReason.InvalidateCaches:
                // INVD would drop Hv's own unwritten lines too.
                Stubs.WriteBackCaches();
                Advance(LengthOfInstruction());
                break;
            case ExitReason.Monitor:
                Advance(LengthOfInstruction());
                break;
            case ExitReason.TaskPriority:
                HandleTaskPriority();
                break;
            case ExitReason.TripleFault:
                Machine.TripleFault(this);
                break;
            case ExitReason.InterruptWindow:
                Backend.SetInterruptWindow(false);
                break;
            case ExitReason.LostInterruptShadow:
                RepeatSti();
                break;
            case ExitReason.ExternalInterrupt:
            case ExitReason.TimerExpired:
            case ExitReason.NonMaskableInterrupt:
            case ExitReason.ControlRegister:
                break;
            case ExitReason.Init:
                Machine.Initialized(this);
                break;
            case ExitReason.TaskSwitch:
                // No 64-bit system switches tasks by hardware. One that does is told that the task cannot be switched to.
                Log.Line("task switch refused, detail ", _exit.Detail);
                Backend.InjectException(GeneralProtection, true, (uint)_exit.Detail & 0xFFF8);
                break;
            default:
                Log.Write("exit code ");
                Log.Hex(_exit.Code);
                Log.Write(" detail ");
                Log.Hex(_exit.Detail);
                Log.Line(" at guest rip ", Backend.Rip);
                Panic.Stop("an exit that Hv did not ask for");
                break;
        }
    }

    private void RepeatSti()
    {
        InstructionContext context = DescribeGuest();
        if (!InterruptShadow.StepBack(ref context, Machine.Memory))
            return;
        Backend.Rip = context.Rip;
        Backend.Rflags = context.Rflags;
        Backend.ClearInterruptShadow();
    }

    // With an error code of 0 it is an instruction's own, not that of an event on its way. It is waiting to be delivered.
    private void HandleGeneralProtection()
    {
        if (_exit.Detail != 0 || Backend.PrivilegeLevel == 0)
            return;
        InstructionContext context = DescribeGuest();
        Span<byte> bytes = stackalloc byte[InstructionDecoder.MaximumLength];
        int length = InstructionFetcher.Fetch(in context, Machine.Memory, bytes, out _);
        if (InstructionDecoder.Decode(bytes.Slice(0, length), context.Mode).IsSvm)
            Backend.InjectException(InvalidOpcode, false, 0);
    }

    private void BeginWait()
    {
        bool isMonitorWait = _exit.Reason == ExitReason.MonitorWait;
        ulong rflags = Backend.Rflags;
        IsHalted = true;
        HaltLength = (byte)LengthOfInstruction();
        EndsOnInterrupt = WaitRules.EndsOnInterrupt(isMonitorWait, rflags, (uint)Registers->General.Rcx);
        if (WaitRules.IsForGood(isMonitorWait, rflags))
            Machine.HaltedForGood(this, Backend.Rip);
    }

    private void HandleCpuid()
    {
        uint leaf = (uint)Registers->General.Rax, subleaf = (uint)Registers->General.Rcx;
        CpuidResult result = GuestCpuid.Of(leaf, subleaf, Backend.Cr4);
        Registers->General.Rax = result.Eax;
        Registers->General.Rbx = result.Ebx;
        Registers->General.Rcx = result.Ecx;
        Registers->General.Rdx = result.Edx;
        Advance(LengthOfInstruction());
    }

    private void HandleMsrRead()
    {
        uint index = (uint)Registers->General.Rcx;
        Result<ulong> value = index == Msr.Efer ? Backend.Efer : Machine.ReadMsr(this, index);
        if (!value.IsOk)
        {
            Backend.InjectException(GeneralProtection, true, 0);
            return;
        }
        Registers->General.Rax = (uint)value.Value;
        Registers->General.Rdx = value.Value >> 32;
        Advance(LengthOfInstruction());
    }

    private void HandleMsrWrite()
    {
        uint index = (uint)Registers->General.Rcx;
        ulong value = (uint)Registers->General.Rax | Registers->General.Rdx << 32;
        Status status = index == Msr.Efer ? WriteEfer(value) : Machine.WriteMsr(this, index, value);
        if (status != Status.Ok)
            Backend.InjectException(GeneralProtection, true, 0);
        else
            Advance(LengthOfInstruction());
    }

    // SVME belongs to Hv, LMA follows from LME and paging; LME cannot change while paging is on (APM vol. 2, 3.1.7).
    private Status WriteEfer(ulong value)
    {
        const ulong paging = 1ul << 31;
        ulong old = Backend.Efer;
        ulong allowed = GuestCpuid.EferBits;
        if ((value & ~(allowed | Msr.EferLma)) != 0)
            return Status.Unsupported;
        if (((value ^ old) & Msr.EferLme) != 0 && (Backend.Cr0 & paging) != 0)
            return Status.Unsupported;
        Backend.Efer = (value & ~Msr.EferLma) | (old & Msr.EferLma);
        Backend.FlushNested();
        return Status.Ok;
    }

    private void HandlePort()
    {
        PortDevice ports = Machine.Ports;
        if (_exit.IsString)
        {
            EmulatePortString(ports);
            return;
        }
        if (_exit.IsInput)
            Registers->General.Write(0, _exit.Size, ports.ReadPort(_exit.Port, _exit.Size));
        else
            ports.WritePort(_exit.Port, _exit.Size, (uint)Registers->General.Read(0, _exit.Size));
        Advance(_exit.InstructionLength);
    }

    private void EmulatePortString(PortDevice ports)
    {
        if (!TryDecode(out InstructionContext context, out DecodedInstruction instruction))
            return;
        EmulationResult result = PortEmulator.Execute(in instruction, ref context, Machine.Memory, ports, out GuestPageFault fault);
        Finish(result, in context, in fault);
    }

    private void HandleNestedFault()
    {
        MmioDevice? device = Machine.FindMmio(this, _exit.Address, out ulong offset);
        if (device == null)
        {
            if (Machine.MendFault(_exit.Address, _exit.IsWrite))
                return;
            if (_exit.IsFetch)
            {
                Backend.InjectException(GeneralProtection, true, 0);
                return;
            }
            device = AbsentDevice;
            offset = _exit.Address.PageOffset;
        }
        if (!TryDecode(out InstructionContext context, out DecodedInstruction instruction))
            return;
        EmulationResult result = MmioEmulator.Execute(in instruction, ref context, Machine.Memory, device, _exit.Address, offset, out GuestPageFault fault);
        if (result == EmulationResult.Unsupported)
            ReportUnsupported(in context);
        Finish(result, in context, in fault);
    }

    /// <summary>What answers where nothing is: all ones, writes are dropped.</summary>
    public MmioDevice AbsentDevice = null!;

    private void Finish(EmulationResult result, in InstructionContext context, in GuestPageFault fault)
    {
        switch (result)
        {
            case EmulationResult.Completed:
                Backend.Rip = context.Rip;
                Backend.Rflags = context.Rflags;
                EndInstruction();
                break;
            case EmulationResult.Repeat:
                Backend.Rip = context.Rip;
                Backend.Rflags = context.Rflags;
                break;
            case EmulationResult.PageFault:
                InjectPageFault(fault.Address, fault.ErrorCode);
                break;
            default:
                Backend.InjectException(InvalidOpcode, false, 0);
                break;
        }
    }

    private void ReportUnsupported(in InstructionContext context)
    {
        Log.Write("cannot emulate access to ");
        Log.Hex(_exit.Address.Value);
        Log.Line(" at guest rip ", context.Rip);
    }

    private void InjectPageFault(GuestVirtual address, uint errorCode)
    {
        Backend.SetPageFaultAddress(address);
        Backend.InjectException(PageFault, true, errorCode);
    }

    private void HandleXsetbv()
    {
        ulong value = (uint)Registers->General.Rax | Registers->General.Rdx << 32;
        bool legal = (uint)Registers->General.Rcx == 0 && Backend.PrivilegeLevel == 0 && GuestCpuid.IsLegalXcr0(value) &&
            (Backend.Cr4 & GuestCpuid.Cr4OsXsave) != 0;
        if (!legal)
        {
            Backend.InjectException(GeneralProtection, true, 0);
            return;
        }
        Stubs.WriteXcr0(value);
        Advance(LengthOfInstruction());
    }

    private void HandleTaskPriority()
    {
        const ulong priorities = 0xF;
        if (!TryDecode(out InstructionContext context, out DecodedInstruction instruction))
            return;
        if (instruction.Operation == Operation.MovFromControl)
        {
            Registers->General.Write(instruction.Register, sizeof(ulong), Machine.ReadTaskPriority(this));
        }
        else
        {
            ulong value = Registers->General.Read(instruction.Register);
            if ((value & ~priorities) != 0)
            {
                Backend.InjectException(GeneralProtection, true, 0);
                return;
            }
            Machine.WriteTaskPriority(this, (byte)value);
        }
        Advance(instruction.Length);
    }

    private void HandleHypercall()
    {
        ref GuestRegisters general = ref Registers->General;
        if (Backend.PrivilegeLevel != 0 ||
            !Machine.Hypercall(this, general.Rax, general.Rdx, general.R8, general.R9, out ulong result))
        {
            Backend.InjectException(InvalidOpcode, false, 0);
            return;
        }
        general.Rax = result;
        Advance(LengthOfInstruction());
    }

    private int LengthOfInstruction()
    {
        if (_exit.InstructionLength != 0)
            return _exit.InstructionLength;
        // Without NRIP save: the instruction is read again and decoded.
        return TryDecode(out _, out DecodedInstruction instruction) ? instruction.Length : 0;
    }

    private InstructionContext DescribeGuest()
    {
        InstructionContext context = default;
        context.Registers = &Registers->General;
        Backend.Describe(ref context);
        context.Paging.PhysicalAddressBits = PhysicalAddressBits;
        return context;
    }

    private bool TryDecode(out InstructionContext context, out DecodedInstruction instruction)
    {
        context = DescribeGuest();
        instruction = default;
        Span<byte> bytes = stackalloc byte[InstructionDecoder.MaximumLength];
        int length = InstructionFetcher.Fetch(in context, Machine.Memory, bytes, out uint errorCode);
        if (length == 0)
        {
            InjectPageFault(new GuestVirtual(context.Rip), errorCode);
            return false;
        }
        instruction = InstructionDecoder.Decode(bytes.Slice(0, length), context.Mode);
        if (instruction.Operation == Operation.Unsupported)
        {
            ReportUnsupported(in context);
            for (int i = 0; i < length; i++)
                Log.HexDigits(bytes[i], 2);
            Log.EndLine();
            Backend.InjectException(InvalidOpcode, false, 0);
            return false;
        }
        return true;
    }

    private void Advance(int length)
    {
        Backend.Rip += (uint)length;
        EndInstruction();
    }

    // What the processor does at the end of each instruction that it carries out itself.
    private void EndInstruction()
    {
        Backend.ClearInterruptShadow();
        if ((Backend.Rflags & Rflags.Trap) != 0)
            Backend.RaiseSingleStep();
    }
}
