using Hv.Kernel.Diagnostics;

namespace Hv.Kernel.Vmx;

/// <summary>Writes the current VMCS to the log when the processor does not accept it.</summary>
internal static class VmxReport
{
    /// <summary>VM entry failed; <paramref name="code"/> is the VM-instruction error or the exit reason.</summary>
    public static void EntryFailed(ulong code)
    {
        Log.Line("VM entry failed, code ", code);
        if (code == ulong.MaxValue)
            return;
        Field("qualification ", VmcsField.ExitQualification);
        Field("pin controls ", VmcsField.PinBasedControls);
        Field("processor controls ", VmcsField.ProcessorBasedControls);
        Field("secondary controls ", VmcsField.SecondaryControls);
        Field("exit controls ", VmcsField.ExitControls);
        Field("entry controls ", VmcsField.EntryControls);
        Field("event ", VmcsField.EntryInterruptionInformation);
        Field("interruptibility ", VmcsField.GuestInterruptibility);
        Field("activity ", VmcsField.GuestActivity);
        Field("rip ", VmcsField.GuestRip);
        Field("rflags ", VmcsField.GuestRflags);
        Field("cr0 ", VmcsField.GuestCr0);
        Field("cr3 ", VmcsField.GuestCr3);
        Field("cr4 ", VmcsField.GuestCr4);
        Field("efer ", VmcsField.GuestEfer);
        Field("ept pointer ", VmcsField.EptPointer);
        Segment("es", VmcsField.Es);
        Segment("cs", VmcsField.Cs);
        Segment("ss", VmcsField.Ss);
        Segment("ds", VmcsField.Ds);
        Segment("fs", VmcsField.Fs);
        Segment("gs", VmcsField.Gs);
        Segment("ldtr", VmcsField.Ldtr);
        Segment("tr", VmcsField.Tr);
    }

    private static void Field(string name, uint field) => Log.Line(name, Vmcs.Read(field));

    private static void Segment(string name, uint segment)
    {
        Log.Write(name);
        Log.Write(" ");
        Log.Hex(Vmcs.Read(VmcsField.GuestEsSelector + segment * 2));
        Log.Write(" rights ");
        Log.Hex(Vmcs.Read(VmcsField.GuestEsAccessRights + segment * 2));
        Log.Write(" limit ");
        Log.Hex(Vmcs.Read(VmcsField.GuestEsLimit + segment * 2));
        Log.Line(" base ", Vmcs.Read(VmcsField.GuestEsBase + segment * 2));
    }
}
