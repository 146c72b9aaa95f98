using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <content>What an exit means.</content>
public unsafe partial struct VmxBackend
{
    private void Decode(VcpuRegisters* registers, ref VmExit exit)
    {
        uint reason = (uint)Vmcs.Read(VmcsField.ExitReason);
        ulong qualification = Vmcs.Read(VmcsField.ExitQualification);
        exit.Code = reason;
        exit.Detail = qualification;
        if ((reason & VmxExitReason.EntryFailure) != 0)
        {
            exit.Reason = ExitReason.EntryFailed;
            VmxReport.EntryFailed(reason);
            return;
        }
        switch (reason & VmxExitReason.BasicMask)
        {
            case VmxExitReason.ExternalInterrupt: exit.Reason = ExitReason.ExternalInterrupt; return;
            case VmxExitReason.TripleFault: exit.Reason = ExitReason.TripleFault; return;
            case VmxExitReason.Init: exit.Reason = ExitReason.Init; return;
            case VmxExitReason.InterruptWindow: exit.Reason = ExitReason.InterruptWindow; return;
            case VmxExitReason.PreemptionTimer:
                // It may have been an NMI that set the timer (VmxOperation.ExitAtOnce).
                Vmcs.Write(VmcsField.PinBasedControls, _pinControls);
                exit.Reason = PerProcessor.Current->IsWanted || PerProcessor.Current->HasNmi ? ExitReason.NonMaskableInterrupt : ExitReason.TimerExpired;
                return;
            case VmxExitReason.NmiWindow:
                SetNmiWindow(false);
                exit.Reason = ExitReason.NonMaskableInterrupt;
                return;
            case VmxExitReason.ExceptionOrNmi:
                // No exception exits: the exception bitmap is empty.
                PerProcessor.Current->ReceiveNmi();
                exit.Reason = ExitReason.NonMaskableInterrupt;
                return;
            case VmxExitReason.TaskSwitch:
                // The event whose task gate led here is not delivered again.
                _event = 0;
                exit.Reason = ExitReason.TaskSwitch;
                return;
            case VmxExitReason.EptViolation:
                exit.Reason = ExitReason.NestedPageFault;
                exit.IsWrite = (qualification & VmxExitReason.ViolationWrite) != 0;
                exit.IsFetch = (qualification & VmxExitReason.ViolationFetch) != 0;
                exit.Address = new GuestPhysical(Vmcs.Read(VmcsField.GuestPhysicalAddress));
                // An IRET that faulted has ended NMI blocking already, and will be executed again (28.2.3).
                if ((qualification & VmxExitReason.ViolationNmiUnblocked) != 0 && !HasEvent)
                    SetNmiBlocking(true);
                return;
        }
        exit.InstructionLength = (byte)Vmcs.Read(VmcsField.ExitInstructionLength);
        switch (reason & VmxExitReason.BasicMask)
        {
            case VmxExitReason.Cpuid: exit.Reason = ExitReason.Cpuid; return;
            case VmxExitReason.Rdmsr: exit.Reason = ExitReason.MsrRead; return;
            case VmxExitReason.Wrmsr: exit.Reason = ExitReason.MsrWrite; return;
            case VmxExitReason.Hlt: exit.Reason = ExitReason.Halt; return;
            case VmxExitReason.Mwait: exit.Reason = ExitReason.MonitorWait; return;
            case VmxExitReason.Monitor: exit.Reason = ExitReason.Monitor; return;
            case VmxExitReason.Xsetbv: exit.Reason = ExitReason.Xsetbv; return;
            case VmxExitReason.Vmcall: exit.Reason = ExitReason.Hypercall; return;
            case VmxExitReason.Invd: exit.Reason = ExitReason.InvalidateCaches; return;
            case VmxExitReason.Io:
                exit.Reason = ExitReason.PortAccess;
                exit.IsInput = (qualification & VmxExitReason.IoInput) != 0;
                exit.IsString = (qualification & VmxExitReason.IoString) != 0;
                exit.Size = (byte)((qualification & VmxExitReason.IoSizeMask) + 1);
                exit.Port = (ushort)(qualification >> VmxExitReason.IoPortShift);
                return;
            case VmxExitReason.ControlRegister:
                exit.Reason = (qualification & VmxExitReason.ControlNumberMask) == VmxExitReason.ControlTaskPriority ? ExitReason.TaskPriority
                    : WriteControlRegister(registers, qualification) ? ExitReason.ControlRegister : ExitReason.Unknown;
                return;
            case VmxExitReason.Getsec:
            case >= VmxExitReason.Vmclear and <= VmxExitReason.Vmxon:
            case VmxExitReason.Invept:
            case VmxExitReason.Invvpid:
            case VmxExitReason.Vmfunc:
                exit.Reason = ExitReason.VirtualizationInstruction;
                return;
            default:
                exit.Reason = ExitReason.Unknown;
                return;
        }
    }

    // Only a MOV that changes a bit which Hv owns comes here (26.1.3): LMSW, CLTS and other MOVs do not concern those bits.
    private bool WriteControlRegister(VcpuRegisters* registers, ulong qualification)
    {
        if ((qualification >> VmxExitReason.ControlKindShift & 3) != VmxExitReason.ControlMoveTo)
            return false;
        ulong value = registers->General.Read((int)(qualification >> VmxExitReason.ControlOperandShift) & 15);
        switch (qualification & VmxExitReason.ControlNumberMask)
        {
            case 0:
                // The guest's own value of the bit (NE) is noted, and the MOV executed again: it does not exit then, and the processor
                // itself checks and changes the rest, paging and long mode included.
                Vmcs.Write(VmcsField.Cr0ReadShadow, value & _cr0Mask);
                return true;
            case 4:
                // CPUID knows neither VMX nor SMX: their bits are reserved.
                InjectException(GeneralProtection, true, 0);
                return true;
            default:
                return false;
        }
    }
}
