using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <content>Events on their way into the guest.</content>
public unsafe partial struct VmxBackend
{
    private const uint NmiVector = 2;

    private readonly void WriteEvent()
    {
        Vmcs.Write(VmcsField.EntryInterruptionInformation, _event);
        if ((_event & VmxEvent.HasErrorCode) != 0)
            Vmcs.Write(VmcsField.EntryExceptionErrorCode, _eventErrorCode);
        if (VmxEvent.IsSoftware(_event))
            Vmcs.Write(VmcsField.EntryInstructionLength, _eventLength);
    }

    // An event that was being delivered when the guest stopped is delivered again, unless the exit brings another (28.2.4).
    private void KeepInterruptedEvent()
    {
        uint interrupted = (uint)Vmcs.Read(VmcsField.IdtVectoringInformation);
        _event = 0;
        if ((interrupted & VmxEvent.Valid) == 0)
            return;
        _event = interrupted & VmxEvent.CommonMask;
        if ((interrupted & VmxEvent.HasErrorCode) != 0)
            _eventErrorCode = (uint)Vmcs.Read(VmcsField.IdtVectoringErrorCode);
        if (VmxEvent.IsSoftware(interrupted))
            _eventLength = (uint)Vmcs.Read(VmcsField.ExitInstructionLength);
        // Its delivery blocked NMIs, and will do so again.
        if ((interrupted & VmxEvent.TypeMask) == VmxEvent.Nmi)
            SetNmiBlocking(false);
    }

    /// <inheritdoc/>
    public void InjectNmi() => _event = VmxEvent.Valid | VmxEvent.Nmi | NmiVector;

    /// <inheritdoc/>
    public readonly bool CanTakeNmi => !HasEvent &&
        (Read(VmcsField.GuestInterruptibility) & (VmxEvent.BlockedByNmi | VmxEvent.BlockedByMovSs | VmxEvent.BlockedBySti)) == 0;

    /// <inheritdoc/>
    public void SetNmiWindow(bool exit) => SetProcessorControl(VmxControl.NmiWindowExiting, exit);

    private readonly void SetNmiBlocking(bool blocked)
    {
        ulong state = Vmcs.Read(VmcsField.GuestInterruptibility);
        Vmcs.Write(VmcsField.GuestInterruptibility, blocked ? state | VmxEvent.BlockedByNmi : state & ~(ulong)VmxEvent.BlockedByNmi);
    }
}
