using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Journal;

/// <summary>
/// Makes a disk what its journal's commit record says: first everything is read and checked, then everything is written. May be interrupted by a power
/// loss at any moment and begun anew.
/// </summary>
internal unsafe ref struct JournalReplay
{
    private const int MaxRun = 32;

    private readonly BlockDevice _disk;
    private readonly JournalLayout _layout;
    private readonly JournalRecord _record;
    private readonly BlockRequest _request;
    private readonly uint _chunkSectors;
    private readonly uint _maxRun;
    private byte* _block;
    private fixed ulong _data[MaxRun];

    /// <summary>For a record that is whole and belongs to the disk; <paramref name="request"/> has room for 32 segments.</summary>
    public JournalReplay(BlockDevice disk, in JournalLayout layout, in JournalRecord record, BlockRequest request)
    {
        _disk = disk;
        _layout = layout;
        _record = record;
        _request = request;
        _chunkSectors = PageSize.Small / disk.SectorSize;
        _maxRun = Math.Min(MaxRun, disk.MaxTransferSectors / _chunkSectors);
        _block = null;
    }

    /// <summary>Replays, with pages of <paramref name="pages"/>. Malformed: something is damaged, and nothing was written.</summary>
    public Status Run(PageSource pages)
    {
        Status status = TakePages(pages);
        if (status == Status.Ok)
            status = Pass(write: false);
        if (status == Status.Ok)
            status = Pass(write: true);
        if (status == Status.Ok)
        {
            _request.Prepare(BlockOperation.Flush, 0, 0);
            status = _disk.Execute(_request);
        }
        ReturnPages(pages);
        return status;
    }

    private Status Pass(bool write)
    {
        if (_record.Entries > _layout.MaxEntries)
            return Status.Malformed;
        ulong checksum = 1;
        uint blocks = (_record.Entries + JournalIndexBlock.Entries - 1) / JournalIndexBlock.Entries;
        for (uint number = 0; number < blocks; number++)
        {
            _request.Prepare(BlockOperation.Read, _layout.IndexSector(number), _chunkSectors);
            AddPage(_block, PageSize.Small);
            Status status = _disk.Execute(_request);
            if (status != Status.Ok)
                return status;
            if (!JournalIndexBlock.IsWhole(_block, _record.Generation, number))
                return Status.Malformed;
            checksum = JournalChecksum.Add(checksum, ((JournalIndexBlock*)_block)->Checksum);
            uint first = number * JournalIndexBlock.Entries;
            status = PassBlock(first, Math.Min(JournalIndexBlock.Entries, _record.Entries - first), write);
            if (status != Status.Ok)
                return status;
        }
        return checksum == _record.IndexChecksum ? Status.Ok : Status.Malformed;
    }

    private Status PassBlock(uint firstEntry, uint count, bool write)
    {
        for (uint i = 0; i < count;)
        {
            JournalEntry entry = *JournalIndexBlock.Entry(_block, i);
            uint run = 1;
            Status status = Status.Ok;
            switch (entry.Kind)
            {
                case JournalEntryKind.None:
                    break;
                case JournalEntryKind.Zero:
                    status = !IsFree(entry.Chunk, entry.Count) ? Status.Malformed : write ? WriteZeroes(entry.Chunk, entry.Count) : Status.Ok;
                    break;
                case JournalEntryKind.Data:
                    while (run < _maxRun && i + run < count && Follows(entry, *JournalIndexBlock.Entry(_block, i + run), run))
                        run++;
                    status = firstEntry + i + run > _layout.DataBlocks || entry.Count != 1 || !IsFree(entry.Chunk, run)
                        ? Status.Malformed : CopyRun(firstEntry, i, run, write);
                    break;
                default:
                    return Status.Malformed;
            }
            if (status != Status.Ok)
                return status;
            i += run;
        }
        return Status.Ok;
    }

    private static bool Follows(in JournalEntry first, in JournalEntry entry, uint distance) =>
        entry.Kind == JournalEntryKind.Data && entry.Count == 1 && entry.Chunk == first.Chunk + distance;

    private Status CopyRun(uint firstEntry, uint index, uint run, bool write)
    {
        _request.Prepare(BlockOperation.Read, _layout.DataSector(firstEntry + index), (ulong)run * _chunkSectors);
        for (uint i = 0; i < run; i++)
            AddPage((byte*)_data[i], PageSize.Small);
        Status status = _disk.Execute(_request);
        if (status != Status.Ok)
            return status;
        for (uint i = 0; i < run; i++)
        {
            var contents = new ReadOnlySpan<byte>((byte*)_data[i], (int)PageSize.Small);
            if (JournalChecksum.Compute(contents) != JournalIndexBlock.Entry(_block, index + i)->Checksum)
                return Status.Malformed;
        }
        if (!write)
            return Status.Ok;
        ulong chunk = JournalIndexBlock.Entry(_block, index)->Chunk;
        ulong sectors = SectorsOf(chunk, run);
        _request.Prepare(BlockOperation.Write, chunk * _chunkSectors, sectors);
        ulong left = sectors * _disk.SectorSize;
        for (uint i = 0; i < run; i++)
        {
            uint bytes = (uint)Math.Min(left, PageSize.Small);
            AddPage((byte*)_data[i], bytes);
            left -= bytes;
        }
        return _disk.Execute(_request);
    }

    private Status WriteZeroes(ulong chunk, uint count)
    {
        uint most = BlockDevice.MaxZeroSectors / _chunkSectors;
        while (count != 0)
        {
            uint run = Math.Min(count, most);
            _request.Prepare(BlockOperation.WriteZeroes, chunk * _chunkSectors, SectorsOf(chunk, run));
            Status status = _disk.Execute(_request);
            if (status != Status.Ok)
                return status;
            chunk += run;
            count -= run;
        }
        return Status.Ok;
    }

    /// <summary>Whether the chunks are on the disk, and none of them is the journal's own.</summary>
    private readonly bool IsFree(ulong chunk, uint count)
    {
        ulong chunks = (_disk.SectorCount + _chunkSectors - 1) / _chunkSectors;
        if (count == 0 || chunk >= chunks || count > chunks - chunk)
            return false;
        ulong first = chunk * _chunkSectors, end = first + SectorsOf(chunk, count);
        return end <= _layout.FirstSector || first >= _layout.EndSector;
    }

    private readonly ulong SectorsOf(ulong chunk, uint count) => Math.Min((ulong)count * _chunkSectors, _disk.SectorCount - chunk * _chunkSectors);

    private readonly void AddPage(byte* page, uint bytes)
    {
        bool added = _request.AddSegment(new HostPhysical((ulong)page), bytes);
        Invariant.Holds(added, "pages fit a block request");
    }

    private Status TakePages(PageSource pages)
    {
        _block = pages.TakePage();
        bool all = _block != null;
        for (int i = 0; i < MaxRun; i++)
        {
            _data[i] = (ulong)pages.TakePage();
            all &= _data[i] != 0;
        }
        return all ? Status.Ok : Status.OutOfMemory;
    }

    private readonly void ReturnPages(PageSource pages)
    {
        if (_block != null)
            pages.ReturnPage(_block);
        for (int i = 0; i < MaxRun; i++)
        {
            if (_data[i] != 0)
                pages.ReturnPage((byte*)_data[i]);
        }
    }
}
