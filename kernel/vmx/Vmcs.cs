using Hv.Kernel.Processor;

namespace Hv.Kernel.Vmx;

/// <summary>The fields of this processor's current VMCS (Intel SDM vol. 3C, chapter 25).</summary>
internal static unsafe class Vmcs
{
    /// <summary>Reads a field that this processor has.</summary>
    public static ulong Read(uint field)
    {
        ulong value = 0;
        if (Stubs.Vmread(field, &value) != 0)
            Panic.Stop("VMREAD of a field that this processor does not have");
        return value;
    }

    /// <summary>Writes a field that this processor has.</summary>
    public static void Write(uint field, ulong value)
    {
        if (Stubs.Vmwrite(field, value) != 0)
            Panic.Stop("VMWRITE of a field that this processor does not have");
    }
}
