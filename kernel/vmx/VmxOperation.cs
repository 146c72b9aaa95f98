using Hv.Kernel.Processor;

namespace Hv.Kernel.Vmx;

/// <summary>VMX operation on one processor: what its virtual processors share.</summary>
/// <remarks>Used on that processor only.</remarks>
public sealed unsafe class VmxOperation
{
    /// <summary>What the processor can do.</summary>
    public readonly VmxCapabilities Capabilities;

    /// <summary>The controls that a VMCS starts with.</summary>
    public readonly VmxControls Controls;

    private byte* _current;
    private byte* _active;
    private ushort _lastVpid;

    private VmxOperation(in VmxCapabilities capabilities, in VmxControls controls)
    {
        Capabilities = capabilities;
        Controls = controls;
    }

    /// <summary>
    /// Enters VMX operation with what this processor can do. <paramref name="region"/> is a zeroed page. Needs Hv's IDT.
    /// While booting only.
    /// </summary>
    public static Result<VmxOperation> Enter(byte* region)
    {
        Status status = VmxProcessor.Enable(region);
        if (status != Status.Ok)
            return status;
        VmxCapabilities capabilities = VmxCapabilities.OfThisProcessor();
        Result<VmxControls> controls = VmxControls.Choose(in capabilities);
        HostInterrupts.OnNmi(&ExitAtOnce);
        return controls.IsOk ? new VmxOperation(in capabilities, in controls.Value) : controls.Status;
    }

    // An NMI that comes between the last look for one and VM entry would stay unseen until the next exit: it makes that exit come at
    // once, by a timer that has run out. That exit sets the controls right again. Errors mean that there is no VMCS yet.
    private static void ExitAtOnce()
    {
        ulong controls;
        if (Stubs.Vmread(VmcsField.PinBasedControls, &controls) != 0)
            return;
        _ = Stubs.Vmwrite(VmcsField.PreemptionTimer, 0);
        _ = Stubs.Vmwrite(VmcsField.PinBasedControls, controls | VmxControl.PinPreemptionTimer);
    }

    /// <summary>Makes a zeroed page a VMCS that this processor can use.</summary>
    public void Format(byte* vmcs)
    {
        *(uint*)vmcs = Capabilities.RevisionId;
        Invariant.Holds(Stubs.Vmclear((ulong)vmcs) == 0, "VMCLEAR");
    }

    /// <summary>Makes a VMCS this processor's current one: VMREAD and VMWRITE mean it.</summary>
    public void Use(byte* vmcs)
    {
        if (_current == vmcs)
            return;
        Invariant.Holds(Stubs.Vmptrld((ulong)vmcs) == 0, "VMPTRLD");
        _current = vmcs;
    }

    /// <summary>Writes a VMCS back to memory; it is used anew, and launched anew, from there.</summary>
    public void Release(byte* vmcs)
    {
        Invariant.Holds(Stubs.Vmclear((ulong)vmcs) == 0, "VMCLEAR");
        if (_current == vmcs)
            _current = null;
    }

    /// <summary>Whose guest has its registers that no VMCS carries on this processor; null before the first.</summary>
    public byte* Active { get => _active; set => _active = value; }

    /// <summary>A VPID that no other virtual processor here has.</summary>
    public ushort NewVpid() => ++_lastVpid;
}
