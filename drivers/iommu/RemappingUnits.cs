using System;

namespace Hv.Drivers.Iommu;

/// <summary>What the firmware says about the machine's remapping units.</summary>
public sealed class RemappingUnits
{
    /// <summary>How many units there is room for.</summary>
    public const int MaxUnits = 8;
    /// <summary>How many regions there is room for.</summary>
    public const int MaxRegions = 32;

    private readonly ulong[] _registers = new ulong[MaxUnits];
    private readonly ulong[] _bytes = new ulong[MaxUnits];
    private readonly byte[] _flags = new byte[MaxUnits];
    private readonly ulong[] _regionStarts = new ulong[MaxRegions];
    private readonly ulong[] _regionEnds = new ulong[MaxRegions];

    /// <summary>How many units there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many regions of memory some device must always reach.</summary>
    public int Regions { get; private set; }

    /// <summary>Where the registers of unit <paramref name="index"/> are, host-physical.</summary>
    public ulong Registers(int index) => _registers[index];

    /// <summary>How many bytes of registers unit <paramref name="index"/> has, in whole pages, as far as is known.</summary>
    public ulong RegisterBytes(int index) => _bytes[index];

    /// <summary>Unit <paramref name="index"/> turns out to have at least so many bytes of registers.</summary>
    public void Extend(int index, ulong bytes) => _bytes[index] = Math.Max(_bytes[index], bytes);

    /// <summary>What the firmware wants unit <paramref name="index"/> to be set to, as it is written there.</summary>
    public byte Flags(int index) => _flags[index];

    /// <summary>First byte of region <paramref name="index"/>.</summary>
    public ulong RegionStart(int index) => _regionStarts[index];

    /// <summary>One past its last byte.</summary>
    public ulong RegionEnd(int index) => _regionEnds[index];

    /// <summary>Adds a unit, once, however often it is described. False: there is no room.</summary>
    public bool Add(ulong registers, ulong bytes, byte flags)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_registers[i] == registers)
                return true;
        }
        if (Count == MaxUnits)
            return false;
        _registers[Count] = registers;
        _flags[Count] = flags;
        _bytes[Count++] = bytes;
        return true;
    }

    /// <summary>Adds a region. False: there is no room.</summary>
    public bool AddRegion(ulong start, ulong end)
    {
        if (Regions == MaxRegions)
            return false;
        _regionStarts[Regions] = start;
        _regionEnds[Regions++] = end;
        return true;
    }
}
