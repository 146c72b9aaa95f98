using System;
using System.Buffers.Binary;

namespace Hv.Shadow.Journal;

/// <summary>Where the journal is, and on which disk: what a commit record must agree with to be replayed.</summary>
public readonly struct JournalPartition
{
    /// <summary>Bytes of a GUID.</summary>
    public const int GuidBytes = 16;

    /// <summary>The first sector of the partition.</summary>
    public readonly ulong FirstSector;
    /// <summary>How many sectors it has.</summary>
    public readonly ulong SectorCount;
    /// <summary>The disk's GUID, its bytes as two little-endian numbers.</summary>
    public readonly ulong DiskLow, DiskHigh;
    /// <summary>The partition's own GUID, likewise.</summary>
    public readonly ulong PartitionLow, PartitionHigh;

    /// <summary>A partition of a disk; the GUIDs are 16 bytes each.</summary>
    public JournalPartition(ulong firstSector, ulong sectorCount, ReadOnlySpan<byte> disk, ReadOnlySpan<byte> partition)
    {
        FirstSector = firstSector;
        SectorCount = sectorCount;
        DiskLow = BinaryPrimitives.ReadUInt64LittleEndian(disk);
        DiskHigh = BinaryPrimitives.ReadUInt64LittleEndian(disk.Slice(8));
        PartitionLow = BinaryPrimitives.ReadUInt64LittleEndian(partition);
        PartitionHigh = BinaryPrimitives.ReadUInt64LittleEndian(partition.Slice(8));
    }

    /// <summary>The type GUID of journal partitions, 48764A72-6E6C-4D31-9C5E-0B7A53D1F2A6, as it stands in a partition table (UEFI 5.3.3, appendix A).</summary>
    public static ReadOnlySpan<byte> Type => [0x72, 0x4A, 0x76, 0x48, 0x6C, 0x6E, 0x31, 0x4D, 0x9C, 0x5E, 0x0B, 0x7A, 0x53, 0xD1, 0xF2, 0xA6];
}
