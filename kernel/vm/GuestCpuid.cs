using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>
/// What CPUID tells a guest: what the processor says, plus Hv's name, less virtualization and less the features whose state Hv
/// does not carry from one VM to the other when they take turns on a processor (Intel SDM vol. 2A, CPUID).
/// </summary>
public static class GuestCpuid
{
    /// <summary>CR4.OSXSAVE.</summary>
    public const ulong Cr4OsXsave = 1 << 18;

    private const ulong Cr4ProtectionKeys = 1 << 22;
    private const uint HypervisorLeaf = 0x4000_0000, HypervisorLastLeaf = 0x4000_00FF;
    private const uint FeatureVmx = 1 << 5, FeatureSmx = 1 << 6, FeatureOsXsave = 1 << 27, FeatureHypervisor = 1u << 31;
    private const uint StructuredOsProtectionKeys = 1 << 4;
    // Leaf 7: processor trace; shadow stacks, key locker, ENQCMD's PASID, supervisor protection keys; user interrupts, architectural
    // LBRs, indirect branch tracking, AMX; FRED.
    private const uint Leaf7HiddenEbx = 1 << 25, Leaf7HiddenEcx = 1 << 7 | 1 << 23 | 1 << 29 | 1u << 31,
        Leaf7HiddenEdx = 1 << 5 | 1 << 19 | 1 << 20 | 1 << 22 | 1 << 24 | 1 << 25, Leaf7Subleaf1HiddenEax = 1 << 17 | 1 << 21;

    // Leaf 0Dh: AMX's state components, and the MSR that lets them fault.
    private const uint AmxComponents = 3 << 17, ExtendedFeatureDisable = 1 << 4, SupervisorComponent = 1;
    private const uint ProcessorTraceLeaf = 0x14, KeyLockerLeaf = 0x19, LastBranchLeaf = 0x1C, TileLeaf = 0x1D, TileMultiplyLeaf = 0x1E;
    private const uint ExtendedFeatureSvm = 1 << 2;
    private const uint ExtendedLastLeaf = 0x8000_0000, ExtendedFeatures = 0x8000_0001, SvmFeatures = 0x8000_000A;
    private const uint FeatureSyscall = 1 << 11, FeatureNoExecute = 1 << 20, FeatureLongMode = 1 << 29, FeatureFastFxsr = 1 << 25;
    private const ulong EferFastFxsr = 1 << 14;

    // "HvHvHvHvHvHv": the vendor field of the hypervisor leaf, in EBX, ECX, EDX.
    private const uint Signature = 0x7648_7648;

    /// <summary>The EFER bits that a guest may set on this processor.</summary>
    public static ulong EferBits
    {
        get
        {
            uint features = CpuidResult.Of(ExtendedFeatures).Edx;
            return ((features & FeatureSyscall) != 0 ? Msr.EferSce : 0) | ((features & FeatureLongMode) != 0 ? Msr.EferLme : 0) |
                ((features & FeatureNoExecute) != 0 ? Msr.EferNxe : 0) | ((features & FeatureFastFxsr) != 0 ? EferFastFxsr : 0);
        }
    }

    /// <summary>The answer to CPUID in a guest with this CR4.</summary>
    public static CpuidResult Of(uint leaf, uint subleaf, ulong guestCr4)
    {
        if (leaf >= HypervisorLeaf && leaf <= HypervisorLastLeaf)
            return Hypervisor(leaf);
        CpuidResult result = CpuidResult.Of(leaf, subleaf);
        Filter(leaf, subleaf, guestCr4, ref result);
        return result;
    }

    /// <summary>Makes the processor's own answer the guest's.</summary>
    public static void Filter(uint leaf, uint subleaf, ulong guestCr4, ref CpuidResult result)
    {
        switch (leaf)
        {
            case 1:
                result.Ecx = (result.Ecx & ~(FeatureVmx | FeatureSmx | FeatureOsXsave)) | FeatureHypervisor |
                    ((guestCr4 & Cr4OsXsave) != 0 ? FeatureOsXsave : 0);
                break;
            case 7 when subleaf == 0:
                result.Ebx &= ~Leaf7HiddenEbx;
                result.Ecx = (result.Ecx & ~(StructuredOsProtectionKeys | Leaf7HiddenEcx)) |
                    ((guestCr4 & Cr4ProtectionKeys) != 0 ? StructuredOsProtectionKeys : 0);
                result.Edx &= ~Leaf7HiddenEdx;
                break;
            case 7 when subleaf == 1:
                result.Eax &= ~Leaf7Subleaf1HiddenEax;
                break;
            case 0xD:
                FilterExtendedState(subleaf, ref result);
                break;
            case ExtendedFeatures:
                result.Ecx &= ~ExtendedFeatureSvm;
                break;
            case ProcessorTraceLeaf:
            case KeyLockerLeaf:
            case LastBranchLeaf:
            case TileLeaf:
            case TileMultiplyLeaf:
            case SvmFeatures:
                result = default;
                break;
        }
    }

    // No supervisor components, so that IA32_XSS stays 0 in every VM, and no AMX.
    private static void FilterExtendedState(uint subleaf, ref CpuidResult result)
    {
        switch (subleaf)
        {
            case 0:
                result.Eax &= ~AmxComponents;
                break;
            case 1:
                result.Eax &= ~ExtendedFeatureDisable;
                result.Ecx = 0;
                result.Edx = 0;
                break;
            default:
                if ((result.Ecx & SupervisorComponent) != 0 || (subleaf < 32 && (AmxComponents >> (int)subleaf & 1) != 0))
                    result = default;
                break;
        }
    }

    /// <summary>Whether XSETBV of XCR0 accepts a value on this processor.</summary>
    public static bool IsLegalXcr0(ulong value)
    {
        CpuidResult supported = CpuidResult.Of(0xD);
        FilterExtendedState(0, ref supported);
        return IsLegalXcr0(value, supported.Eax | (ulong)supported.Edx << 32);
    }

    /// <summary>
    /// Whether XSETBV of XCR0 accepts a value on a processor with the components <paramref name="supported"/> (SDM vol. 1, 13.3): known bits only, and
    /// the dependencies between them.
    /// </summary>
    public static bool IsLegalXcr0(ulong value, ulong supported)
    {
        const ulong x87 = 1, sse = 2, avx = 4, mpx = 3 << 3, avx512 = 7 << 5;
        if ((value & ~supported) != 0 || (value & x87) == 0)
            return false;
        if ((value & avx) != 0 && (value & sse) == 0)
            return false;
        if ((value & mpx) != 0 && (value & mpx) != mpx)
            return false;
        return (value & avx512) == 0 || ((value & avx512) == avx512 && (value & avx) != 0);
    }

    private static CpuidResult Hypervisor(uint leaf)
    {
        CpuidResult result = default;
        if (leaf != HypervisorLeaf)
            return result;
        result.Eax = HypervisorLeaf;
        result.Ebx = Signature;
        result.Ecx = Signature;
        result.Edx = Signature;
        return result;
    }
}
