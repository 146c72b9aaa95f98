using System;
using System.Runtime.InteropServices;

namespace Hv.Shadow.Journal;

/// <summary>
/// The record at the start of the journal: whose journal it is and what it is worth. It lies within one sector, so that one write, which a disk
/// does as a whole or not at all, commits a switch. A torn one is as good as none. Little-endian.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public unsafe struct JournalRecord
{
    /// <summary>Bytes that count; the rest of the sector is zero.</summary>
    public const int Size = 128;
    /// <summary>What <see cref="Magic"/> must be: "HvJrnlRc".</summary>
    public const ulong ExpectedMagic = 0x6352_6C6E_724A_7648;
    /// <summary>The version of the format.</summary>
    public const uint CurrentVersion = 1;

    /// <summary><see cref="ExpectedMagic"/>.</summary>
    [FieldOffset(0)] public ulong Magic;
    /// <summary><see cref="CurrentVersion"/>.</summary>
    [FieldOffset(8)] public uint Version;
    /// <summary>What the journal is worth.</summary>
    [FieldOffset(12)] public JournalRecordState State;
    /// <summary>Grows with each use of the journal.</summary>
    [FieldOffset(16)] public ulong Generation;
    /// <summary>The disk's GUID.</summary>
    [FieldOffset(24)] public ulong DiskLow;
    /// <summary>Its second half.</summary>
    [FieldOffset(32)] public ulong DiskHigh;
    /// <summary>The partition's GUID.</summary>
    [FieldOffset(40)] public ulong PartitionLow;
    /// <summary>Its second half.</summary>
    [FieldOffset(48)] public ulong PartitionHigh;
    /// <summary>The partition's first sector.</summary>
    [FieldOffset(56)] public ulong FirstSector;
    /// <summary>Its length in sectors.</summary>
    [FieldOffset(64)] public ulong SectorCount;
    /// <summary>The disk's length in sectors.</summary>
    [FieldOffset(72)] public ulong DiskSectors;
    /// <summary>Bytes of a sector.</summary>
    [FieldOffset(80)] public uint SectorBytes;
    /// <summary>How many entries the index has.</summary>
    [FieldOffset(84)] public uint Entries;
    /// <summary>The checksums of the index's blocks, one after the other, as a <see cref="JournalChecksum"/>.</summary>
    [FieldOffset(88)] public ulong IndexChecksum;
    /// <summary>The <see cref="JournalChecksum"/> of all bytes before it.</summary>
    [FieldOffset(Size - sizeof(ulong))] public ulong Checksum;

    /// <summary>A record of the journal in <paramref name="partition"/>, without index.</summary>
    public JournalRecord(in JournalPartition partition, ulong diskSectors, uint sectorBytes, ulong generation, JournalRecordState state)
    {
        this = default;
        Magic = ExpectedMagic;
        Version = CurrentVersion;
        State = state;
        Generation = generation;
        DiskLow = partition.DiskLow;
        DiskHigh = partition.DiskHigh;
        PartitionLow = partition.PartitionLow;
        PartitionHigh = partition.PartitionHigh;
        FirstSector = partition.FirstSector;
        SectorCount = partition.SectorCount;
        DiskSectors = diskSectors;
        SectorBytes = sectorBytes;
    }

    /// <summary>Whether magic, version and checksum are right.</summary>
    public readonly bool IsWhole => Magic == ExpectedMagic && Version == CurrentVersion && Checksum == Sum();

    /// <summary>Whether it was written for this partition of this disk.</summary>
    public readonly bool BelongsTo(in JournalPartition partition, ulong diskSectors, uint sectorBytes) =>
        DiskLow == partition.DiskLow && DiskHigh == partition.DiskHigh && PartitionLow == partition.PartitionLow && PartitionHigh == partition.PartitionHigh
        && FirstSector == partition.FirstSector && SectorCount == partition.SectorCount && DiskSectors == diskSectors && SectorBytes == sectorBytes;

    /// <summary>Sets the checksum.</summary>
    public void Seal() => Checksum = Sum();

    private readonly ulong Sum()
    {
        fixed (JournalRecord* record = &this)
            return JournalChecksum.Compute(new ReadOnlySpan<byte>(record, Size - sizeof(ulong)));
    }
}
