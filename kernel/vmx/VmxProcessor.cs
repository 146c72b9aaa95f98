using Hv.Kernel.Processor;

namespace Hv.Kernel.Vmx;

/// <summary>Turns VMX operation on (Intel SDM vol. 3C, 24.6 to 24.8).</summary>
public static unsafe class VmxProcessor
{
    private const uint FeatureVmx = 1 << 5;

    /// <summary>Whether the processor has VMX with all that Hv needs, and the firmware has not locked it off.</summary>
    public static bool IsUsable
    {
        get
        {
            if ((CpuidResult.Of(1).Ecx & FeatureVmx) == 0 || !IsAllowed(Msr.Read(Msr.FeatureControl)))
                return false;
            return VmxControls.Choose(VmxCapabilities.OfThisProcessor()).IsOk;
        }
    }

    /// <summary>Enters VMX operation on this processor. <paramref name="region"/> is a zeroed page, by its host-physical address.</summary>
    public static Status Enable(byte* region)
    {
        ulong control = Msr.Read(Msr.FeatureControl);
        if (!IsAllowed(control))
            return Status.Unsupported;
        if ((control & Msr.FeatureControlLock) == 0 &&
            Msr.Write(Msr.FeatureControl, control | Msr.FeatureControlLock | Msr.FeatureControlVmxOutsideSmx) != Status.Ok)
            return Status.Unsupported;
        VmxCapabilities capabilities = VmxCapabilities.OfThisProcessor();
        Stubs.WriteCr0((Stubs.ReadCr0() | capabilities.Cr0Fixed0) & capabilities.Cr0Fixed1);
        Stubs.WriteCr4((Stubs.ReadCr4() | capabilities.Cr4Fixed0) & capabilities.Cr4Fixed1);
        *(uint*)region = capabilities.RevisionId;
        return Stubs.Vmxon((ulong)region) == 0 ? Status.Ok : Status.Unsupported;
    }

    // Unlocked is fine: Hv sets and locks it then.
    private static bool IsAllowed(ulong featureControl) =>
        (featureControl & Msr.FeatureControlLock) == 0 || (featureControl & Msr.FeatureControlVmxOutsideSmx) != 0;
}
