using Hv.Kernel;

namespace Hv.Shadow.Blocks;

/// <summary>A set of ranges of a disk, in whole chunks: the partitions in which the primary's writes win.</summary>
public sealed class BlockRanges
{
    /// <summary>How many ranges there is room for.</summary>
    public const int Max = 64;

    private readonly ulong[] _first = new ulong[Max];
    private readonly ulong[] _end = new ulong[Max];
    private readonly ulong _sectors;
    private readonly uint _chunkSectors;

    /// <summary>No range of a disk of <paramref name="sectors"/> sectors, <paramref name="chunkSectors"/> to a chunk. Allocates: while booting only.</summary>
    public BlockRanges(uint chunkSectors, ulong sectors)
    {
        _chunkSectors = chunkSectors;
        _sectors = sectors;
    }

    /// <summary>How many ranges there are.</summary>
    public int Count { get; private set; }

    /// <summary>Chunks in all ranges.</summary>
    public ulong Chunks { get; private set; }

    /// <summary>The first chunk of range <paramref name="index"/>.</summary>
    public ulong FirstChunk(int index) => _first[index];

    /// <summary>The chunk behind range <paramref name="index"/>.</summary>
    public ulong EndChunk(int index) => _end[index];

    /// <summary>Makes the set empty.</summary>
    public void Clear()
    {
        Count = 0;
        Chunks = 0;
    }

    /// <summary>
    /// Adds <paramref name="sectors"/> sectors from <paramref name="first"/> on. InvalidArgument if they do not begin and end with a chunk, are
    /// not on the disk, or overlap another range; OutOfMemory if there is no room.
    /// </summary>
    public Status Add(ulong first, ulong sectors)
    {
        if (sectors == 0 || sectors > _sectors || first > _sectors - sectors || first % _chunkSectors != 0 || sectors % _chunkSectors != 0)
            return Status.InvalidArgument;
        ulong begin = first / _chunkSectors, end = (first + sectors) / _chunkSectors;
        for (int i = 0; i < Count; i++)
        {
            if (begin < _end[i] && _first[i] < end)
                return Status.InvalidArgument;
        }
        if (Count == Max)
            return Status.OutOfMemory;
        _first[Count] = begin;
        _end[Count++] = end;
        Chunks += end - begin;
        return Status.Ok;
    }

    /// <summary>Whether a chunk is in a range.</summary>
    public bool Contains(ulong chunk)
    {
        for (int i = 0; i < Count; i++)
        {
            if (chunk - _first[i] < _end[i] - _first[i])
                return true;
        }
        return false;
    }

    /// <summary>Whether sectors (not 0) are all in one range.</summary>
    public bool ContainsSectors(ulong first, ulong sectors)
    {
        ulong chunk = first / _chunkSectors, last = (first + sectors - 1) / _chunkSectors;
        for (int i = 0; i < Count && sectors != 0; i++)
        {
            if (chunk >= _first[i] && last < _end[i])
                return true;
        }
        return false;
    }

    /// <summary>Whether one of the sectors (not 0) is in a range.</summary>
    public bool TouchesSectors(ulong first, ulong sectors)
    {
        ulong chunk = first / _chunkSectors, last = (first + sectors - 1) / _chunkSectors;
        for (int i = 0; i < Count; i++)
        {
            if (chunk < _end[i] && last >= _first[i])
                return true;
        }
        return false;
    }
}
