using System;
using Hv.Kernel;

namespace Hv.Shadow.Journal;

/// <summary>
/// Where in its partition everything of a journal is. It consists of blocks of 4 KiB that are chunks of the disk, too, so that no chunk belongs to the
/// journal in part: block 0 begins with the <see cref="JournalRecord"/>, then come the blocks of the index, then the data blocks, one for each chunk.
/// </summary>
public readonly struct JournalLayout
{
    /// <summary>The most index blocks that are used; of a larger partition the rest stays unused (2.3 GiB are used at most).</summary>
    public const uint MaxIndexBlocks = 4096;

    private const uint LeastBlocks = 16;
    private const uint FirstIndexBlock = 1;

    // Fewer than a block holds, so that there is room for entries that have no data.
    private const uint DataPerIndexBlock = 150;

    /// <summary>Blocks of the index.</summary>
    public readonly uint IndexBlocks;
    /// <summary>Data blocks.</summary>
    public readonly uint DataBlocks;

    /// <summary>The journal's first sector on the disk, at a multiple of 4 KiB.</summary>
    public readonly ulong FirstSector;
    /// <summary>The sector behind its last one.</summary>
    public readonly ulong EndSector;

    private readonly uint _blockSectors;

    /// <summary>Divides a partition on a disk with sectors of <paramref name="sectorBytes"/> bytes.</summary>
    public JournalLayout(in JournalPartition partition, uint sectorBytes)
    {
        _blockSectors = PageSize.Small / sectorBytes;
        ulong firstBlock = (partition.FirstSector + _blockSectors - 1) / _blockSectors;
        ulong endBlock = (partition.FirstSector + partition.SectorCount) / _blockSectors;
        ulong blocks = Math.Min(endBlock > firstBlock ? endBlock - firstBlock : 0, (ulong)MaxIndexBlocks * DataPerIndexBlock);
        FirstSector = firstBlock * _blockSectors;
        EndSector = (firstBlock + blocks) * _blockSectors;
        if (blocks < LeastBlocks)
        {
            IndexBlocks = 0;
            DataBlocks = 0;
            return;
        }
        uint rest = (uint)blocks - FirstIndexBlock;
        IndexBlocks = (rest + DataPerIndexBlock - 1) / DataPerIndexBlock;
        DataBlocks = rest - IndexBlocks;
    }

    /// <summary>Whether the partition is large enough for a journal at all.</summary>
    public bool IsUsable => DataBlocks != 0;

    /// <summary>How many entries the index has room for: all data blocks, and some for chunks that are zero.</summary>
    public uint MaxEntries => IndexBlocks * JournalIndexBlock.Entries;

    /// <summary>The sector of the record, on the disk.</summary>
    public ulong RecordSector => FirstSector;

    /// <summary>The first sector of an index block, on the disk.</summary>
    public ulong IndexSector(uint block) => FirstSector + (ulong)(FirstIndexBlock + block) * _blockSectors;

    /// <summary>The first sector of a data block, on the disk.</summary>
    public ulong DataSector(uint block) => FirstSector + (ulong)(FirstIndexBlock + IndexBlocks + block) * _blockSectors;
}
