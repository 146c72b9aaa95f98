using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <summary>
/// Segment access rights as the VMCS has them (Intel SDM vol. 3C, table 25-2): the descriptor's bits at their places in its second
/// doubleword, less 8, and a bit of their own for segments that hold nothing usable.
/// </summary>
public static class VmxAccessRights
{
    /// <summary>The segment cannot be used.</summary>
    public const uint Unusable = 1 << 16;

    /// <summary>Code segments: 64-bit code, 32-bit code (D).</summary>
    public const uint Long = 1 << 13, Default32 = 1 << 14;

    /// <summary>Where the descriptor's privilege level is.</summary>
    public const int PrivilegeLevelShift = 5;

    private const uint LowMask = 0xFF, PackedHighMask = 0xF00;
    private const int HighShift = 4;
    private const uint Accessed = 1, CodeOrData = 1 << 4;

    /// <summary>From the packed form of <see cref="SegmentState.Attributes"/>, where a segment that is not present is unusable.</summary>
    /// <remarks>
    /// A loaded code or data segment has its accessed bit set, whatever the table said that it came from: the processor insists.
    /// </remarks>
    public static uint FromAttributes(ushort attributes)
    {
        uint rights = (attributes & LowMask) | (attributes & PackedHighMask) << HighShift;
        if ((attributes & SegmentState.AttributePresent) == 0)
            return rights | Unusable;
        return (attributes & CodeOrData) != 0 ? rights | Accessed : rights;
    }

    /// <summary>To the packed form: an unusable segment is not present; its privilege level stays (of SS it is the guest's).</summary>
    public static ushort ToAttributes(uint rights)
    {
        uint attributes = (rights & LowMask) | (rights >> HighShift & PackedHighMask);
        if ((rights & Unusable) != 0)
            attributes &= ~(uint)SegmentState.AttributePresent;
        return (ushort)attributes;
    }
}
