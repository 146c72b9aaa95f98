using Hv.Kernel.Processor;

namespace Hv.Boot;

/// <summary>Makes hypercalls, with the instruction that the processor has for it. Guest side.</summary>
internal static class HypercallGate
{
    private static bool s_isSvm;

    /// <summary>Chooses VMMCALL (AMD-V) or VMCALL (VT-x).</summary>
    public static void Use(bool isSvm) => s_isSvm = isSvm;

    /// <summary>Makes a call.</summary>
    public static ulong Call(ulong number, ulong first = 0, ulong second = 0, ulong third = 0) =>
        s_isSvm ? Stubs.Vmmcall(number, first, second, third) : Stubs.Vmcall(number, first, second, third);
}
