using Hv.Kernel;

namespace Hv.Shadow.Memory;

/// <summary>Where the guest has memory: the firmware's memory map, reduced to start and end.</summary>
public sealed class MemoryRanges
{
    private readonly ulong[] _starts;
    private readonly ulong[] _ends;

    /// <summary>For up to <paramref name="capacity"/> ranges. While booting only.</summary>
    public MemoryRanges(int capacity)
    {
        _starts = new ulong[capacity];
        _ends = new ulong[capacity];
    }

    /// <summary>How many ranges there are.</summary>
    public int Count { get; private set; }

    /// <summary>First byte of a range, guest-physical.</summary>
    public ulong Start(int index) => _starts[index];

    /// <summary>One past its last byte.</summary>
    public ulong End(int index) => _ends[index];

    /// <summary>Adds [start, end); one that continues the last one prolongs it.</summary>
    public Status Add(ulong start, ulong end)
    {
        if (Count > 0 && _ends[Count - 1] == start)
        {
            _ends[Count - 1] = end;
            return Status.Ok;
        }
        if (Count == _starts.Length)
            return Status.OutOfMemory;
        _starts[Count] = start;
        _ends[Count++] = end;
        return Status.Ok;
    }

    /// <summary>Whether the byte is memory.</summary>
    public bool Contains(ulong address)
    {
        for (int i = 0; i < Count; i++)
        {
            if (address >= _starts[i] && address < _ends[i])
                return true;
        }
        return false;
    }
}
