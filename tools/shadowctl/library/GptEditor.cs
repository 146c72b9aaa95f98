using System;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Hv.ShadowControl;

/// <summary>
/// Adds a partition to a disk's GUID partition table (UEFI 5.3), and does nothing else to it. Everything that is redundant in the table must agree, or it
/// is left alone.
/// </summary>
public sealed class GptEditor
{
    private const ulong HeaderSector = 1;
    private const int HeaderSize = 92, GuidBytes = 16, NameOffset = 56;
    private const int CrcOffset = 16, OwnOffset = 24, OtherOffset = 32, FirstUsableOffset = 40, LastUsableOffset = 48, IdentityOffset = 40, IdentityBytes = 32,
        EntriesOffset = 72, CountOffset = 80, SizeOffset = 84, EntriesCrcOffset = 88;
    private const int FirstSectorOffset = 32, LastSectorOffset = 40;
    private const int LeastEntrySize = 128, MostEntrySize = 4096, MostEntries = 4096;

    private static ReadOnlySpan<byte> Signature => "EFI PART"u8;

    private readonly IDisk _disk;
    private readonly byte[] _primary;
    private readonly byte[] _backup;
    private readonly byte[] _entries;
    private readonly int _count;
    private readonly int _size;

    /// <summary>Reads and checks the table of <paramref name="disk"/>.</summary>
    /// <exception cref="ControlException">There is none, or it is damaged.</exception>
    public GptEditor(IDisk disk)
    {
        _disk = disk;
        _primary = ReadHeader(HeaderSector, "partition table");
        ulong backupSector = Number(_primary, OtherOffset);
        if (backupSector <= HeaderSector || backupSector >= disk.SectorCount)
            throw Damaged("the partition table names a place for its backup that is not on the disk");
        _backup = ReadHeader(backupSector, "backup of the partition table");
        _count = Count(_primary);
        _size = Size(_primary);
        if (!_primary.AsSpan(IdentityOffset, IdentityBytes).SequenceEqual(_backup.AsSpan(IdentityOffset, IdentityBytes))
            || Number(_backup, OtherOffset) != HeaderSector || Count(_backup) != _count || Size(_backup) != _size)
            throw Damaged("the partition table and its backup differ");
        _entries = ReadEntries(_primary, "partition table");
        if (!_entries.AsSpan().SequenceEqual(ReadEntries(_backup, "backup of the partition table")))
            throw Damaged("the partition table and its backup differ");
        if (FirstUsable > LastUsable || LastUsable >= disk.SectorCount || EntriesEnd(_primary) > FirstUsable || Number(_backup, EntriesOffset) <= LastUsable)
            throw Damaged("the partition table overlaps the space for partitions");
    }

    private ulong FirstUsable => Number(_primary, FirstUsableOffset);

    private ulong LastUsable => Number(_primary, LastUsableOffset);

    /// <summary>The number of the first partition of a type, from 1 on; 0 if there is none.</summary>
    public int Find(Guid type)
    {
        for (int i = 0; i < _count; i++)
        {
            if (new Guid(Entry(i)[..GuidBytes]) == type)
                return i + 1;
        }
        return 0;
    }

    /// <summary>Makes a partition in free space, as near to the disk's end as it goes, at a whole MiB. Returns number, first sector and length.</summary>
    /// <exception cref="ControlException">There is no room; nothing was changed.</exception>
    public (int Number, ulong FirstSector, ulong SectorCount) Add(Guid type, Guid id, string name, int mebibytes)
    {
        int index = 0;
        while (index < _count && IsUsed(index))
            index++;
        if (index == _count)
            throw new ControlException(ExitCode.Failed, $"The partition table is full: all of its {_count} entries are used.");
        ulong perMebibyte = (1ul << 20) / (ulong)_disk.SectorSize;
        ulong sectors = (ulong)mebibytes * perMebibyte;
        if (FindSpace(sectors, perMebibyte) is not { } first)
            throw new ControlException(ExitCode.Failed,
                $"The disk has no {mebibytes} MiB in a row that no partition uses. Make a partition smaller, or ask for less with --size; it has to be as large as what a restart writes.");
        Span<byte> entry = _entries.AsSpan(index * _size, _size);
        type.TryWriteBytes(entry);
        id.TryWriteBytes(entry[GuidBytes..]);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[FirstSectorOffset..], first);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[LastSectorOffset..], first + sectors - 1);
        Encoding.Unicode.GetBytes(name, entry[NameOffset..LeastEntrySize]);
        // One of the two is whole at any moment.
        Write(_backup);
        Write(_primary);
        return (index + 1, first, sectors);
    }

    private ulong? FindSpace(ulong sectors, ulong alignment)
    {
        ulong end = LastUsable + 1;
        while (end >= sectors)
        {
            ulong first = (end - sectors) / alignment * alignment;
            if (first < FirstUsable)
                return null;
            ulong obstacle = ulong.MaxValue;
            for (int i = 0; i < _count; i++)
            {
                ulong start = Number(Entry(i), FirstSectorOffset), last = Number(Entry(i), LastSectorOffset);
                if (IsUsed(i) && start < first + sectors && first <= last)
                    obstacle = Math.Min(obstacle, start);
            }
            if (obstacle == ulong.MaxValue)
                return first;
            end = obstacle;
        }
        return null;
    }

    private void Write(byte[] header)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(EntriesCrcOffset), Crc32.HashToUInt32(_entries.AsSpan(0, _count * _size)));
        header.AsSpan(CrcOffset, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(CrcOffset), Crc32.HashToUInt32(header.AsSpan(0, HeaderSize)));
        _disk.Write(Number(header, EntriesOffset), _entries);
        _disk.Write(Number(header, OwnOffset), header);
        _disk.Flush();
    }

    private byte[] ReadHeader(ulong sector, string which)
    {
        byte[] header = new byte[_disk.SectorSize];
        _disk.Read(sector, header);
        if (!header.AsSpan(0, Signature.Length).SequenceEqual(Signature))
            throw new ControlException(ExitCode.Failed, $"The disk has no GUID {which}.");
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(CrcOffset));
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12));
        byte[] cleared = (byte[])header.Clone();
        cleared.AsSpan(CrcOffset, 4).Clear();
        if (size != HeaderSize || Crc32.HashToUInt32(cleared.AsSpan(0, HeaderSize)) != crc || Number(header, OwnOffset) != sector)
            throw Damaged($"the {which} has a wrong checksum or place");
        if (Size(header) is < LeastEntrySize or > MostEntrySize || Size(header) % LeastEntrySize != 0 || Count(header) is < 1 or > MostEntries)
            throw Damaged($"the {which} has entries of an impossible number or size");
        return header;
    }

    private byte[] ReadEntries(byte[] header, string which)
    {
        ulong first = Number(header, EntriesOffset), sectors = EntriesEnd(header) - first;
        if (first <= HeaderSector || first >= _disk.SectorCount || sectors > _disk.SectorCount - first)
            throw Damaged($"the entries of the {which} are not on the disk");
        byte[] entries = new byte[(int)sectors * _disk.SectorSize];
        _disk.Read(first, entries);
        if (Crc32.HashToUInt32(entries.AsSpan(0, Count(header) * Size(header))) != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(EntriesCrcOffset)))
            throw Damaged($"the entries of the {which} have a wrong checksum");
        return entries;
    }

    private ulong EntriesEnd(byte[] header) =>
        Number(header, EntriesOffset) + (ulong)((Count(header) * Size(header) + _disk.SectorSize - 1) / _disk.SectorSize);

    private ReadOnlySpan<byte> Entry(int index) => _entries.AsSpan(index * _size, _size);

    private bool IsUsed(int index) => Entry(index)[..GuidBytes].ContainsAnyExcept((byte)0);

    private static int Count(byte[] header) => BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(CountOffset));

    private static int Size(byte[] header) => BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(SizeOffset));

    private static ulong Number(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);

    private static ControlException Damaged(string what) => new(ExitCode.Failed, $"The disk's partition table is damaged: {what}. Nothing was changed.");
}
