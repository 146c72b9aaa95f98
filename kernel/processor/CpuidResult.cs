namespace Hv.Kernel.Processor;

/// <summary>The four registers that CPUID returns (Intel SDM vol. 2A, CPUID).</summary>
public unsafe struct CpuidResult
{
    /// <summary>EAX.</summary>
    public uint Eax;
    /// <summary>EBX.</summary>
    public uint Ebx;
    /// <summary>ECX.</summary>
    public uint Ecx;
    /// <summary>EDX.</summary>
    public uint Edx;

    /// <summary>Executes CPUID on this processor.</summary>
    public static CpuidResult Of(uint leaf, uint subleaf = 0)
    {
        CpuidResult result = default;
        Stubs.Cpuid(leaf, subleaf, &result.Eax);
        return result;
    }
}
