using Hv.Drivers.Iommu;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Machine;

/// <summary>Which physical addresses are Hv's: its region, the wake page, the pool and the registers of remapping units. No guest ever reaches them.</summary>
public sealed class HvMemory
{
    private const int MaxRanges = 2 + PagePool.MaxExtents + RemappingUnits.MaxUnits;

    private readonly ulong[] _starts = new ulong[MaxRanges];
    private readonly ulong[] _ends = new ulong[MaxRanges];
    private int _count;

    /// <summary>One past the last byte of the machine's memory.</summary>
    public readonly ulong MemoryEnd;

    /// <summary>Starts with nothing owned.</summary>
    public HvMemory(ulong memoryEnd) => MemoryEnd = memoryEnd;

    /// <summary>Number of ranges.</summary>
    public int Count => _count;

    /// <summary>First byte of range <paramref name="index"/>.</summary>
    public ulong Start(int index) => _starts[index];

    /// <summary>One past the last byte of range <paramref name="index"/>.</summary>
    public ulong End(int index) => _ends[index];

    /// <summary>Adds a range (4 KiB aligned).</summary>
    public Status Add(HostPhysical start, ulong bytes)
    {
        if (_count == MaxRanges)
            return Status.OutOfMemory;
        _starts[_count] = start.Value;
        _ends[_count++] = start.Value + bytes;
        return Status.Ok;
    }

    /// <summary>Whether any byte of the range belongs to Hv.</summary>
    public bool Overlaps(ulong start, ulong bytes)
    {
        for (int i = 0; i < _count; i++)
        {
            if (start < _ends[i] && start + bytes > _starts[i])
                return true;
        }
        return false;
    }
}
