using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>Saves and restores what the FPU and vector units hold, when two VMs take turns on a processor (Intel SDM vol. 1, chapter 13).</summary>
public static unsafe class ExtendedState
{
    private const uint FeatureXsave = 1 << 26, LegacyBytes = 512;
    private const ulong Cr4OsFxsr = 1 << 9, Cr4OsXsave = 1 << 18;

    /// <summary>Whether the processor has XSAVE.</summary>
    public static bool HasXsave => (CpuidResult.Of(1).Ecx & FeatureXsave) != 0;

    /// <summary>Every state component that this processor can save, as XCR0 bits.</summary>
    public static ulong AllComponents
    {
        get
        {
            CpuidResult leaf = CpuidResult.Of(0xD);
            return leaf.Eax | (ulong)leaf.Edx << 32;
        }
    }

    /// <summary>Pages that one VM's state needs.</summary>
    public static uint Pages => ((HasXsave ? CpuidResult.Of(0xD).Ecx : LegacyBytes) + PageSize.Small - 1) / PageSize.Small;

    /// <summary>Lets Hv use the instructions. On each processor, once.</summary>
    public static void Enable() => Stubs.WriteCr4(Stubs.ReadCr4() | Cr4OsFxsr | (HasXsave ? Cr4OsXsave : 0));

    /// <summary>Makes a zeroed <paramref name="area"/> the state after a reset (Intel SDM vol. 1, 8.1.5 and 10.2.3).</summary>
    public static void SetInitial(byte* area)
    {
        const int mxcsrOffset = 24;
        *(ushort*)area = 0x037F;
        *(uint*)(area + mxcsrOffset) = 0x1F80;
    }

    /// <summary>Saves everything; <paramref name="xcr0"/> becomes the guest's XCR0.</summary>
    public static void Save(byte* area, out ulong xcr0)
    {
        xcr0 = 0;
        if (!HasXsave)
        {
            Stubs.Fxsave(area);
            return;
        }
        xcr0 = Stubs.ReadXcr0();
        Stubs.WriteXcr0(AllComponents);
        Stubs.Xsave(area, AllComponents);
        Stubs.WriteXcr0(xcr0);
    }

    /// <summary>Restores what <see cref="Save"/> saved.</summary>
    public static void Restore(byte* area, ulong xcr0)
    {
        if (!HasXsave)
        {
            Stubs.Fxrstor(area);
            return;
        }
        Stubs.WriteXcr0(AllComponents);
        Stubs.Xrstor(area, AllComponents);
        Stubs.WriteXcr0(xcr0);
    }
}
