using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO.Hashing;
using System.IO;
using System.Text;

namespace Hv.Imaging;

/// <summary>A GUID partition table with its protective MBR and its backup (UEFI 5.2 and 5.3).</summary>
public sealed class GptTable
{
    /// <summary>The first sector behind the protective MBR, the header and the entries.</summary>
    public const ulong FirstUsableSector = 2 + EntrySectors;

    /// <summary>How many sectors at the end of the disk the backup takes.</summary>
    public const ulong BackupSectors = 1 + EntrySectors;

    private const int EntryCount = 128;
    private const int EntrySize = 128;
    private const int EntrySectors = EntryCount * EntrySize / Sectors.Size;
    private const int HeaderSize = 92;
    private const int NameLength = 36;
    private const uint Revision = 0x0001_0000;
    private const byte ProtectiveType = 0xee;
    private const ushort BootSignature = 0xaa55;

    private static ReadOnlySpan<byte> Signature => "EFI PART"u8;

    /// <summary>Describes a disk.</summary>
    public GptTable(Guid diskId, IReadOnlyList<GptPartition> partitions)
    {
        DiskId = diskId;
        Partitions = partitions;
    }

    /// <summary>The disk's GUID.</summary>
    public Guid DiskId { get; }

    /// <summary>The partitions, in the order of their entries.</summary>
    public IReadOnlyList<GptPartition> Partitions { get; }

    /// <summary>Writes MBR, table and backup to a disk of the length of <paramref name="disk"/>.</summary>
    public void Write(Stream disk)
    {
        ulong last = (ulong)disk.Length / Sectors.Size - 1;
        byte[] entries = Entries();
        uint entriesCrc = Crc32.HashToUInt32(entries);
        Sectors.Write(disk, 0, ProtectiveMbr(last));
        Sectors.Write(disk, 1, Header(1, last, 2, last, entriesCrc));
        Sectors.Write(disk, 2, entries);
        Sectors.Write(disk, last - EntrySectors, entries);
        Sectors.Write(disk, last, Header(last, 1, last - EntrySectors, last, entriesCrc));
    }

    /// <summary>Reads the table of <paramref name="disk"/> and checks everything that is redundant in it.</summary>
    /// <exception cref="ImageException">There is no table, or it contradicts itself or its backup.</exception>
    public static GptTable Read(Stream disk)
    {
        ulong count = (ulong)disk.Length / Sectors.Size;
        if (count < FirstUsableSector + BackupSectors)
            throw new ImageException("The image is too short for a GUID partition table.");
        ulong last = count - 1;
        CheckMbr(Sectors.Read(disk, 0, 1), last);
        byte[] primary = ReadHeader(disk, 1, last, "primary", out byte[] entries);
        byte[] backup = ReadHeader(disk, last, 1, "backup", out byte[] backupEntries);
        if (!primary.AsSpan(40, 32).SequenceEqual(backup.AsSpan(40, 32)) || !entries.AsSpan().SequenceEqual(backupEntries))
            throw new ImageException("The backup partition table differs from the primary one.");
        ulong firstUsable = BinaryPrimitives.ReadUInt64LittleEndian(primary.AsSpan(40));
        ulong lastUsable = BinaryPrimitives.ReadUInt64LittleEndian(primary.AsSpan(48));
        if (firstUsable < FirstUsableSector || lastUsable > last - BackupSectors)
            throw new ImageException("The partition table overlaps the space it declares usable.");
        var partitions = new List<GptPartition>();
        for (int i = 0; i < EntryCount; i++)
        {
            ReadOnlySpan<byte> entry = entries.AsSpan(i * EntrySize, EntrySize);
            var type = new Guid(entry[..16]);
            if (type == Guid.Empty)
                continue;
            ulong first = BinaryPrimitives.ReadUInt64LittleEndian(entry[32..]);
            ulong end = BinaryPrimitives.ReadUInt64LittleEndian(entry[40..]);
            if (first > end || first < firstUsable || end > lastUsable)
                throw new ImageException($"Partition {i + 1} lies outside of the usable space.");
            foreach (GptPartition other in partitions)
            {
                if (first <= other.LastSector && other.FirstSector <= end)
                    throw new ImageException($"Partition {i + 1} overlaps another one.");
            }
            string name = Encoding.Unicode.GetString(entry.Slice(56, NameLength * 2)).TrimEnd('\0');
            partitions.Add(new GptPartition(type, new Guid(entry.Slice(16, 16)), first, end, name));
        }
        return new GptTable(new Guid(primary.AsSpan(56, 16)), partitions);
    }

    private static byte[] ProtectiveMbr(ulong last)
    {
        byte[] sector = new byte[Sectors.Size];
        Span<byte> partition = sector.AsSpan(446, 16);
        partition[2] = 2;                       // starts at cylinder 0, head 0, sector 2
        partition[4] = ProtectiveType;
        partition.Slice(5, 3).Fill(0xff);       // ends beyond what cylinders can say
        BinaryPrimitives.WriteUInt32LittleEndian(partition[8..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(partition[12..], (uint)Math.Min(last, uint.MaxValue));
        BinaryPrimitives.WriteUInt16LittleEndian(sector.AsSpan(510), BootSignature);
        return sector;
    }

    private static void CheckMbr(byte[] sector, ulong last)
    {
        ReadOnlySpan<byte> partition = sector.AsSpan(446, 16);
        bool good = BinaryPrimitives.ReadUInt16LittleEndian(sector.AsSpan(510)) == BootSignature
            && partition[4] == ProtectiveType
            && BinaryPrimitives.ReadUInt32LittleEndian(partition[8..]) == 1
            && BinaryPrimitives.ReadUInt32LittleEndian(partition[12..]) == (uint)Math.Min(last, uint.MaxValue);
        if (!good)
            throw new ImageException("The image has no protective MBR that covers all of it.");
    }

    private byte[] Entries()
    {
        byte[] entries = new byte[EntryCount * EntrySize];
        for (int i = 0; i < Partitions.Count; i++)
        {
            GptPartition partition = Partitions[i];
            Span<byte> entry = entries.AsSpan(i * EntrySize, EntrySize);
            partition.Type.TryWriteBytes(entry);
            partition.Id.TryWriteBytes(entry[16..]);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[32..], partition.FirstSector);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[40..], partition.LastSector);
            Encoding.Unicode.GetBytes(partition.Name.AsSpan(0, Math.Min(partition.Name.Length, NameLength)), entry[56..]);
        }
        return entries;
    }

    private byte[] Header(ulong own, ulong other, ulong entriesAt, ulong last, uint entriesCrc)
    {
        byte[] header = new byte[Sectors.Size];
        Signature.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), Revision);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), HeaderSize);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), own);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), other);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(40), FirstUsableSector);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(48), last - BackupSectors);
        DiskId.TryWriteBytes(header.AsSpan(56));
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(72), entriesAt);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(80), EntryCount);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(84), EntrySize);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(88), entriesCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), Crc32.HashToUInt32(header.AsSpan(0, HeaderSize)));
        return header;
    }

    private static byte[] ReadHeader(Stream disk, ulong own, ulong other, string which, out byte[] entries)
    {
        byte[] header = Sectors.Read(disk, own, 1);
        if (!header.AsSpan(0, 8).SequenceEqual(Signature))
            throw new ImageException($"There is no {which} partition table.");
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(16));
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12));
        header.AsSpan(16, 4).Clear();
        if (size != HeaderSize || crc != Crc32.HashToUInt32(header.AsSpan(0, HeaderSize)))
            throw new ImageException($"The checksum of the {which} partition table is wrong.");
        if (BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(24)) != own || BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(32)) != other)
            throw new ImageException($"The {which} partition table names the wrong sectors for itself or its twin.");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(80)) != EntryCount || BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(84)) != EntrySize)
            throw new ImageException($"The {which} partition table has an unusual number or size of entries.");
        entries = Sectors.Read(disk, BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(72)), EntrySectors);
        if (BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(88)) != Crc32.HashToUInt32(entries))
            throw new ImageException($"The checksum of the entries of the {which} partition table is wrong.");
        return header;
    }
}
