using Hv.Kernel.Processor;

namespace Hv.Kernel.Svm;

/// <summary>Turns SVM on (AMD APM vol. 2, 15.4).</summary>
public static class SvmProcessor
{
    private const uint ExtendedFeatureSvm = 1 << 2, SvmFeatureNestedPaging = 1;

    /// <summary>Whether the processor has SVM with nested paging, and the firmware has not locked it off.</summary>
    public static bool IsUsable
    {
        get
        {
            if (CpuidResult.Of(0x8000_0000).Eax < 0x8000_000A || (CpuidResult.Of(0x8000_0001).Ecx & ExtendedFeatureSvm) == 0)
                return false;
            return (CpuidResult.Of(0x8000_000A).Edx & SvmFeatureNestedPaging) != 0;
        }
    }

    /// <summary>Enables SVM on this processor. <paramref name="hostSave"/> is a zeroed page. Needs Hv's IDT. GIF is 0 afterwards.</summary>
    public static Status Enable(HostPhysical hostSave)
    {
        Result<ulong> vmCr = Msr.TryRead(Msr.VmCr);
        if (vmCr.IsOk && (vmCr.Value & Msr.VmCrSvmDisable) != 0)
            return Status.Unsupported;
        if (Msr.Write(Msr.Efer, Msr.Read(Msr.Efer) | Msr.EferSvme) != Status.Ok)
            return Status.Unsupported;
        Status status = Msr.Write(Msr.VmHsavePa, hostSave.Value);
        if (status != Status.Ok)
            return status;
        // Physical interrupts while the shadow runs obey Hv's IF: on, but held back by GIF until the guest is entered.
        HostWindow.UseGlobalFlag();
        TcgQuirks.Detect();
        Stubs.ClearGlobalInterrupts();
        Stubs.EnableInterrupts();
        return Status.Ok;
    }
}
