using System;
using System.Buffers.Binary;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Journal;

/// <summary>Finds the journal's partition in a disk's GUID partition table (UEFI 5.3). Everything in the table is checked before it is used.</summary>
public static unsafe class PartitionTable
{
    // UEFI 5.3.2, table 21.
    private const ulong HeaderSector = 1, Signature = 0x5452_4150_2049_4645;
    private const int HeaderSizeOffset = 12, HeaderCrcOffset = 16, OwnSectorOffset = 24, FirstUsableOffset = 40, LastUsableOffset = 48,
        DiskGuidOffset = 56, EntriesSectorOffset = 72, EntryCountOffset = 80, EntrySizeOffset = 84, EntriesCrcOffset = 88, LeastHeaderSize = 92;

    // UEFI 5.3.3, table 22.
    private const int PartitionGuidOffset = 16, FirstSectorOffset = 32, LastSectorOffset = 40;
    private const uint LeastEntrySize = 128, MostEntrySize = PageSize.Small, MostTableBytes = 1 << 20;

    /// <summary>
    /// Reads the table of <paramref name="disk"/>. <see cref="Status.NotFound"/>: there is no table or no journal partition in it;
    /// <see cref="Status.Malformed"/>: the table contradicts itself. Takes a page of <paramref name="pages"/> while it works.
    /// </summary>
    public static Result<JournalPartition> FindJournal(BlockDevice disk, BlockRequest request, PageSource pages)
    {
        byte* page = pages.TakePage();
        if (page == null)
            return Status.OutOfMemory;
        Result<JournalPartition> result = Find(disk, request, page);
        pages.ReturnPage(page);
        return result;
    }

    private static Result<JournalPartition> Find(BlockDevice disk, BlockRequest request, byte* page)
    {
        uint sectorBytes = disk.SectorSize;
        if (disk.SectorCount <= HeaderSector)
            return Status.NotFound;
        Status status = Read(disk, request, page, HeaderSector, 1);
        if (status != Status.Ok)
            return status;
        var header = new Span<byte>(page, (int)sectorBytes);
        if (BinaryPrimitives.ReadUInt64LittleEndian(header) != Signature)
            return Status.NotFound;
        uint headerSize = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(HeaderSizeOffset));
        uint headerCrc = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(HeaderCrcOffset));
        if (headerSize < LeastHeaderSize || headerSize > sectorBytes)
            return Status.Malformed;
        BinaryPrimitives.WriteUInt32LittleEndian(header.Slice(HeaderCrcOffset), 0);
        if (~Crc32(uint.MaxValue, header.Slice(0, (int)headerSize)) != headerCrc)
            return Status.Malformed;
        ulong firstUsable = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(FirstUsableOffset));
        ulong lastUsable = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(LastUsableOffset));
        ulong entriesSector = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(EntriesSectorOffset));
        uint entryCount = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(EntryCountOffset));
        uint entrySize = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(EntrySizeOffset));
        uint entriesCrc = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(EntriesCrcOffset));
        ulong diskLow = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(DiskGuidOffset));
        ulong diskHigh = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(DiskGuidOffset + 8));
        if (BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(OwnSectorOffset)) != HeaderSector)
            return Status.Malformed;
        if (entrySize < LeastEntrySize || entrySize > MostEntrySize || (entrySize & (entrySize - 1)) != 0 || entryCount == 0 || entryCount > MostTableBytes / entrySize)
            return Status.Malformed;
        ulong tableSectors = (entryCount * entrySize + sectorBytes - 1) / sectorBytes;
        if (entriesSector <= HeaderSector || entriesSector >= firstUsable || tableSectors > firstUsable - entriesSector)
            return Status.Malformed;
        if (firstUsable > lastUsable || lastUsable >= disk.SectorCount)
            return Status.Malformed;

        Span<byte> diskGuid = stackalloc byte[JournalPartition.GuidBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(diskGuid, diskLow);
        BinaryPrimitives.WriteUInt64LittleEndian(diskGuid.Slice(8), diskHigh);
        var table = new EntryTable(entriesSector, entryCount * entrySize, entrySize, firstUsable, lastUsable);
        return FindInEntries(disk, request, page, in table, diskGuid, entriesCrc);
    }

    private static Result<JournalPartition> FindInEntries(BlockDevice disk, BlockRequest request, byte* page, in EntryTable table, ReadOnlySpan<byte> diskGuid, uint expectedCrc)
    {
        JournalPartition journal = default;
        bool isFound = false;
        // The second time to see that no other partition overlaps the journal: it must not be written to otherwise.
        for (int pass = 0; pass < 2; pass++)
        {
            uint crc = uint.MaxValue;
            for (uint done = 0; done < table.Bytes; done += PageSize.Small)
            {
                uint bytes = Math.Min(PageSize.Small, table.Bytes - done);
                Status status = Read(disk, request, page, table.FirstSector + done / disk.SectorSize, (bytes + disk.SectorSize - 1) / disk.SectorSize);
                if (status != Status.Ok)
                    return status;
                var part = new ReadOnlySpan<byte>(page, (int)bytes);
                crc = Crc32(crc, part);
                for (uint at = 0; at + table.EntrySize <= bytes; at += table.EntrySize)
                {
                    ReadOnlySpan<byte> entry = part.Slice((int)at, (int)table.EntrySize);
                    ulong first = BinaryPrimitives.ReadUInt64LittleEndian(entry.Slice(FirstSectorOffset));
                    ulong last = BinaryPrimitives.ReadUInt64LittleEndian(entry.Slice(LastSectorOffset));
                    if (pass == 0 && !isFound && IsJournal(entry))
                    {
                        if (first > last || first < table.FirstUsable || last > table.LastUsable)
                            return Status.Malformed;
                        journal = new JournalPartition(first, last - first + 1, diskGuid, entry.Slice(PartitionGuidOffset));
                        isFound = true;
                    }
                    bool isOther = IsUsed(entry) && (first != journal.FirstSector || !IsJournal(entry));
                    if (pass == 1 && isOther && first < journal.FirstSector + journal.SectorCount && journal.FirstSector <= last)
                        return Status.Malformed;
                }
            }
            if (~crc != expectedCrc)
                return Status.Malformed;
            if (!isFound)
                return Status.NotFound;
        }
        return journal;
    }

    private static Status Read(BlockDevice disk, BlockRequest request, byte* page, ulong sector, uint sectors)
    {
        request.Prepare(BlockOperation.Read, sector, sectors);
        bool added = request.AddSegment(new HostPhysical((ulong)page), sectors * disk.SectorSize);
        Invariant.Holds(added, "a page fits a block request");
        return disk.Execute(request);
    }

    private static bool IsUsed(ReadOnlySpan<byte> entry) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(entry) | BinaryPrimitives.ReadUInt64LittleEndian(entry.Slice(8))) != 0;

    private static bool IsJournal(ReadOnlySpan<byte> entry)
    {
        ReadOnlySpan<byte> type = JournalPartition.Type;
        return BinaryPrimitives.ReadUInt64LittleEndian(entry) == BinaryPrimitives.ReadUInt64LittleEndian(type)
            && BinaryPrimitives.ReadUInt64LittleEndian(entry.Slice(8)) == BinaryPrimitives.ReadUInt64LittleEndian(type.Slice(8));
    }

    // The CRC of UEFI 5.3.2, bit by bit: it is needed for 16 KiB once.
    private static uint Crc32(uint crc, ReadOnlySpan<byte> bytes)
    {
        const uint polynomial = 0xEDB8_8320;
        for (int i = 0; i < bytes.Length; i++)
        {
            crc ^= bytes[i];
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? crc >> 1 ^ polynomial : crc >> 1;
        }
        return crc;
    }

    /// <summary>What the header says of the entries, checked.</summary>
    private readonly struct EntryTable
    {
        public readonly ulong FirstSector, FirstUsable, LastUsable;
        public readonly uint Bytes, EntrySize;

        public EntryTable(ulong firstSector, uint bytes, uint entrySize, ulong firstUsable, ulong lastUsable)
        {
            FirstSector = firstSector;
            Bytes = bytes;
            EntrySize = entrySize;
            FirstUsable = firstUsable;
            LastUsable = lastUsable;
        }
    }
}
