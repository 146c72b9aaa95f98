using Hv.Kernel.Processor;

namespace Hv.Kernel.Memory;

/// <summary>The processor's memory type ranges (Intel SDM vol. 3A, 12.11): which physical address has which memory type.</summary>
public sealed class MtrrMap
{
    /// <summary>Most variable ranges that are looked at; processors have 8 to 10.</summary>
    public const int MaxVariable = 16;

    private const ulong FixedReach = 0x10_0000;
    private const int FixedEntries = 88;
    private const ulong DefTypeEnable = 1 << 11, DefTypeFixedEnable = 1 << 10, MaskValid = 1 << 11;
    private const ulong AddressBits = ~0xFFFul;

    private readonly ulong[] _bases = new ulong[MaxVariable];
    private readonly ulong[] _masks = new ulong[MaxVariable];
    private readonly byte[] _fixed = new byte[FixedEntries];
    private readonly ulong _defaultType;
    private readonly ulong _addressMask;
    private readonly int _variableCount;

    /// <summary>
    /// Takes the registers' values: IA32_MTRR_DEF_TYPE, base and mask pairs, and the eleven fixed-range registers in address order.
    /// </summary>
    public MtrrMap(ulong defaultType, System.ReadOnlySpan<ulong> baseMaskPairs, System.ReadOnlySpan<ulong> fixedRanges, int physicalBits)
    {
        _defaultType = defaultType;
        _addressMask = (1ul << physicalBits) - 1;
        _variableCount = System.Math.Min(baseMaskPairs.Length / 2, MaxVariable);
        for (int i = 0; i < _variableCount; i++)
        {
            _bases[i] = baseMaskPairs[i * 2];
            _masks[i] = baseMaskPairs[i * 2 + 1];
        }
        for (int i = 0; i < fixedRanges.Length && i < FixedEntries / 8; i++)
        {
            for (int k = 0; k < 8; k++)
                _fixed[i * 8 + k] = (byte)(fixedRanges[i] >> (k * 8));
        }
    }

    /// <summary>Reads this processor's registers.</summary>
    public static MtrrMap OfThisProcessor(int physicalBits)
    {
        int count = System.Math.Min((int)(Msr.Read(Msr.MtrrCap) & 0xFF), MaxVariable);
        ulong[] pairs = new ulong[count * 2];
        for (int i = 0; i < pairs.Length; i++)
            pairs[i] = Msr.Read(Msr.MtrrPhysBase0 + (uint)i);
        ulong[] fixedRanges = new ulong[FixedEntries / 8];
        fixedRanges[0] = Msr.Read(Msr.MtrrFix64K00000);
        fixedRanges[1] = Msr.Read(Msr.MtrrFix16K80000);
        fixedRanges[2] = Msr.Read(Msr.MtrrFix16KA0000);
        for (uint i = 0; i < 8; i++)
            fixedRanges[3 + (int)i] = Msr.Read(Msr.MtrrFix4KC0000 + i);
        return new MtrrMap(Msr.Read(Msr.MtrrDefType), pairs, fixedRanges, physicalBits);
    }

    /// <summary>
    /// The memory type at <paramref name="address"/>, and in <paramref name="end"/> the address (exclusive) up to which it holds at least.
    /// </summary>
    public MemoryType TypeAt(HostPhysical address, out ulong end)
    {
        ulong at = address.Value;
        end = _addressMask + 1;
        if ((_defaultType & DefTypeEnable) == 0)
            return MemoryType.Uncacheable;
        if (at < FixedReach && (_defaultType & DefTypeFixedEnable) != 0)
            return FixedType(at, out end);
        if (at < FixedReach)
            end = FixedReach;
        MemoryType type = (MemoryType)(byte)_defaultType;
        bool matched = false;
        for (int i = 0; i < _variableCount; i++)
        {
            if ((_masks[i] & MaskValid) == 0)
                continue;
            ulong mask = _masks[i] & AddressBits & _addressMask;
            // The lowest mask bit is the finest grain at which this range can begin or end.
            ulong grain = mask & (0 - mask);
            if (grain == 0)
                grain = _addressMask + 1;
            ulong block = (at & ~(grain - 1)) + grain;
            if (block < end)
                end = block;
            if ((at & mask) != (_bases[i] & AddressBits & mask))
                continue;
            type = matched ? Combine(type, (MemoryType)(byte)_bases[i]) : (MemoryType)(byte)_bases[i];
            matched = true;
        }
        return type;
    }

    private MemoryType FixedType(ulong at, out ulong end)
    {
        int index;
        if (at < 0x8_0000)
        {
            index = (int)(at >> 16);
            end = ((at >> 16) + 1) << 16;
        }
        else if (at < 0xC_0000)
        {
            index = 8 + (int)((at - 0x8_0000) >> 14);
            end = ((at >> 14) + 1) << 14;
        }
        else
        {
            index = 24 + (int)((at - 0xC_0000) >> 12);
            end = ((at >> 12) + 1) << 12;
        }
        return (MemoryType)_fixed[index];
    }

    // SDM vol. 3A, 12.11.4.1: uncacheable wins; write-through wins over write-back; other overlaps are undefined, so the stricter one.
    private static MemoryType Combine(MemoryType left, MemoryType right)
    {
        if (left == right)
            return left;
        if (left == MemoryType.Uncacheable || right == MemoryType.Uncacheable)
            return MemoryType.Uncacheable;
        bool throughAndBack = (left == MemoryType.WriteThrough || left == MemoryType.WriteBack) &&
            (right == MemoryType.WriteThrough || right == MemoryType.WriteBack);
        return throughAndBack ? MemoryType.WriteThrough : MemoryType.Uncacheable;
    }
}
