using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Journal;

/// <summary>
/// The journal of one disk (DESIGN D13): takes in, ahead of time, what a switch will make of the disk, and makes the switch one sector's write.
/// </summary>
/// <remarks>
/// Knows nothing of the final places of what it holds: it never writes outside its partition, but for <see cref="Find"/>, which carries out what
/// was committed before a power loss. Every operation waits for the disk. Used by one processor at a time: the caller holds the disk's lock.
/// Allocates objects in its constructor only; the pages of the index come from the pool.
/// </remarks>
public sealed unsafe class DiskJournal
{
    /// <summary>The most chunks of one <see cref="WriteRun"/>.</summary>
    public const uint MaxRun = 128;

    private readonly BlockDevice _disk;
    private readonly PageSource _pages;
    private readonly BlockRequest _request = new((int)MaxRun);
    private readonly nint[] _index = new nint[JournalLayout.MaxIndexBlocks];
    private readonly nint[] _run = new nint[MaxRun];
    private readonly byte* _recordPage;
    private readonly uint _maxRun;
    private JournalPartition _partition;
    private JournalLayout _layout;
    private ulong _generation;
    private uint _indexPages;
    private uint _entries;
    private uint _runFirst;
    private uint _runCount;

    /// <summary>For <paramref name="disk"/>; <paramref name="recordPage"/> is a page of its own for good. Nothing works before <see cref="Find"/>. While booting only.</summary>
    public DiskJournal(BlockDevice disk, PageSource pages, byte* recordPage)
    {
        _disk = disk;
        _pages = pages;
        _recordPage = recordPage;
        _maxRun = Math.Min(MaxRun, disk.MaxTransferSectors * disk.SectorSize / PageSize.Small);
    }

    /// <summary>What the journal is good for.</summary>
    public JournalState State { get; private set; }

    /// <summary>What <see cref="Find"/> found in it.</summary>
    public JournalRecovery Recovery { get; private set; }

    /// <summary>The journal's first sector on the disk; 0 if there is none.</summary>
    public ulong FirstSector => State == JournalState.Absent ? 0 : _layout.FirstSector;

    /// <summary>The sector behind its last one; 0 if there is none.</summary>
    public ulong EndSector => State == JournalState.Absent ? 0 : _layout.EndSector;

    /// <summary>How many chunks it can take; 0 if there is no journal.</summary>
    public uint Capacity => State == JournalState.Absent ? 0 : _layout.DataBlocks;

    /// <summary>How many entries are in use.</summary>
    public uint Entries => _entries;

    /// <summary>Pages of the pool that are in use.</summary>
    public uint PagesInUse => _indexPages;

    /// <summary>The sector at which an entry's data is, on the disk. It stays there until <see cref="Begin"/>.</summary>
    public ulong DataSector(uint entry) => _layout.DataSector(entry);

    /// <summary>
    /// Looks for the journal's partition, and finishes or discards what is in it (<see cref="Recovery"/>). Not while there is a shadow, or something
    /// is being merged. NotFound: there is none; other errors: there is one that cannot be used. Without Ok there is no journal.
    /// </summary>
    public Status Find()
    {
        Forget();
        State = JournalState.Absent;
        Recovery = JournalRecovery.Nothing;
        Result<JournalPartition> partition = PartitionTable.FindJournal(_disk, _request, _pages);
        if (!partition.IsOk)
            return partition.Status;
        _partition = partition.Value;
        _layout = new JournalLayout(in _partition, _disk.SectorSize);
        if (!_layout.IsUsable)
            return Status.InvalidArgument;
        Status status = Transfer(BlockOperation.Read, _layout.RecordSector, _recordPage, _disk.SectorSize);
        if (status != Status.Ok)
            return status;
        JournalRecord record = *(JournalRecord*)_recordPage;
        _generation = record.IsWhole ? record.Generation : 0;
        status = Recover(in record);
        if (status == Status.Ok)
            State = JournalState.Idle;
        return status;
    }

    /// <summary>A shadow starts: the journal is empty and takes in. Anything but Idle stays what it is, but for Failed and TooSmall, which get another chance.</summary>
    public void Begin()
    {
        if (State is JournalState.Absent or JournalState.Committed)
            return;
        Forget();
        _generation++;
        State = WriteRecord(JournalRecordState.Open, flush: false) == Status.Ok ? JournalState.Open : JournalState.Failed;
    }

    /// <summary>What has been taken in is not needed any more. Not once it is committed.</summary>
    public void Discard()
    {
        if (State is JournalState.Absent or JournalState.Committed or JournalState.Idle)
            return;
        Forget();
        // If this is lost, the next start discards.
        State = WriteRecord(JournalRecordState.Idle, flush: false) == Status.Ok ? JournalState.Idle : JournalState.Failed;
    }

    /// <summary>
    /// Takes an entry for a chunk that has contents. OutOfMemory: the pool has no page for the index. InvalidState: the journal is full
    /// (and <see cref="JournalState.TooSmall"/> from now on) or not open.
    /// </summary>
    public Status TakeEntry(out uint entry)
    {
        entry = _entries;
        if (State != JournalState.Open)
            return Status.InvalidState;
        if (_entries >= _layout.DataBlocks)
        {
            State = JournalState.TooSmall;
            return Status.InvalidState;
        }
        Status status = Reserve();
        if (status == Status.Ok)
            _entries++;
        return status;
    }

    /// <summary>Adds a chunk's page to the next <see cref="WriteRun"/>. False: it has no room, or entry is not the one that comes next in it.</summary>
    public bool TryAddToRun(uint entry, ulong chunk, byte* page)
    {
        if (_runCount == 0)
            _runFirst = entry;
        else if (entry != _runFirst + _runCount || _runCount == _maxRun)
            return false;
        _run[_runCount++] = (nint)page;
        JournalEntry* place = Entry(entry);
        place->Chunk = chunk;
        place->Kind = JournalEntryKind.Data;
        place->Count = 1;
        place->Checksum = JournalChecksum.Compute(new ReadOnlySpan<byte>(page, (int)PageSize.Small));
        return true;
    }

    /// <summary>Writes what <see cref="TryAddToRun"/> has added, and waits for it. The pages must not have changed since.</summary>
    public Status WriteRun()
    {
        if (_runCount == 0)
            return Status.Ok;
        uint count = _runCount;
        _runCount = 0;
        _request.Prepare(BlockOperation.Write, _layout.DataSector(_runFirst), (ulong)count * PageSize.Small / _disk.SectorSize);
        for (uint i = 0; i < count; i++)
            AddPage((byte*)_run[i], PageSize.Small);
        Status status = _disk.Execute(_request);
        if (status != Status.Ok)
            State = JournalState.Failed;
        return status;
    }

    /// <summary>Makes an entry that was taken for data one of a chunk that is zero.</summary>
    public void SetZero(uint entry, ulong chunk) => *Entry(entry) = new JournalEntry { Chunk = chunk, Kind = JournalEntryKind.Zero, Count = 1 };

    /// <summary>Adds a row of chunks that are zero. To be called when no data follows any more. Errors as of <see cref="TakeEntry"/>.</summary>
    public Status AddZeroes(ulong chunk, uint count)
    {
        if (State != JournalState.Open)
            return Status.InvalidState;
        if (_entries >= _layout.MaxEntries)
        {
            State = JournalState.TooSmall;
            return Status.InvalidState;
        }
        Status status = Reserve();
        if (status == Status.Ok)
            *Entry(_entries++) = new JournalEntry { Chunk = chunk, Kind = JournalEntryKind.Zero, Count = count };
        return status;
    }

    /// <summary>
    /// Commits: with the return of Ok the disk has to become what the journal says, whatever happens. After an error it is as it was, unless the
    /// disk takes nothing any more.
    /// </summary>
    public Status Commit()
    {
        if (State != JournalState.Open)
            return Status.InvalidState;
        Status status = WriteIndex(out ulong checksum);
        if (status == Status.Ok)
            status = Flush();
        if (status == Status.Ok)
        {
            status = WriteRecord(JournalRecordState.Committed, flush: true, checksum);
            // It may be there all the same: it must not come to light after the next start.
            if (status != Status.Ok)
                _ = WriteRecord(JournalRecordState.Idle, flush: true);
        }
        State = status == Status.Ok ? JournalState.Committed : JournalState.Failed;
        return status;
    }

    /// <summary>The disk has become what was committed, and the caller has flushed it: nothing of the journal is needed any more.</summary>
    public Status MarkMerged()
    {
        if (State != JournalState.Committed)
            return Status.InvalidState;
        Status status = WriteRecord(JournalRecordState.Merged, flush: true);
        if (status != Status.Ok)
            return status;
        Forget();
        State = JournalState.Idle;
        return Status.Ok;
    }

    private Status Recover(in JournalRecord record)
    {
        if (!record.IsWhole || record.State is JournalRecordState.Idle or JournalRecordState.Merged)
            return Status.Ok;
        JournalRecordState outcome = JournalRecordState.Idle;
        if (record.State == JournalRecordState.Committed)
        {
            Status replayed = record.BelongsTo(in _partition, _disk.SectorCount, _disk.SectorSize)
                ? new JournalReplay(_disk, in _layout, in record, _request).Run(_pages) : Status.Malformed;
            Recovery = replayed == Status.Ok ? JournalRecovery.Replayed : replayed == Status.Malformed ? JournalRecovery.Damaged : JournalRecovery.Failed;
            if (Recovery == JournalRecovery.Failed)
                return replayed;
            outcome = JournalRecordState.Merged;
        }
        else
        {
            Recovery = JournalRecovery.Discarded;
        }
        return WriteRecord(outcome, flush: true);
    }

    private Status WriteRecord(JournalRecordState state, bool flush, ulong indexChecksum = 0)
    {
        new Span<byte>(_recordPage, (int)_disk.SectorSize).Clear();
        var record = new JournalRecord(in _partition, _disk.SectorCount, _disk.SectorSize, _generation, state) { Entries = _entries, IndexChecksum = indexChecksum };
        record.Seal();
        *(JournalRecord*)_recordPage = record;
        Status status = Transfer(BlockOperation.Write, _layout.RecordSector, _recordPage, _disk.SectorSize);
        return status == Status.Ok && flush ? Flush() : status;
    }

    private Status WriteIndex(out ulong checksum)
    {
        checksum = 1;
        Status status = Status.Ok;
        for (uint first = 0; first < _indexPages && status == Status.Ok; first += _maxRun)
        {
            uint count = Math.Min(_maxRun, _indexPages - first);
            _request.Prepare(BlockOperation.Write, _layout.IndexSector(first), (ulong)count * PageSize.Small / _disk.SectorSize);
            for (uint i = first; i < first + count; i++)
            {
                var block = (byte*)_index[i];
                JournalIndexBlock.Seal(block, _generation, i);
                checksum = JournalChecksum.Add(checksum, ((JournalIndexBlock*)block)->Checksum);
                AddPage(block, PageSize.Small);
            }
            status = _disk.Execute(_request);
        }
        return status;
    }

    private Status Flush()
    {
        _request.Prepare(BlockOperation.Flush, 0, 0);
        return _disk.Execute(_request);
    }

    private Status Transfer(BlockOperation operation, ulong sector, byte* memory, uint bytes)
    {
        _request.Prepare(operation, sector, bytes / _disk.SectorSize);
        AddPage(memory, bytes);
        return _disk.Execute(_request);
    }

    private void AddPage(byte* page, uint bytes)
    {
        bool added = _request.AddSegment(new HostPhysical((ulong)page), bytes);
        Invariant.Holds(added, "pages fit a journal request");
    }

    /// <summary>Makes sure that the index has room for one more entry.</summary>
    private Status Reserve()
    {
        if (_entries / JournalIndexBlock.Entries < _indexPages)
            return Status.Ok;
        byte* page = _pages.TakePage();
        if (page == null)
            return Status.OutOfMemory;
        _index[_indexPages++] = (nint)page;
        return Status.Ok;
    }

    private JournalEntry* Entry(uint entry) =>
        JournalIndexBlock.Entry((byte*)_index[entry / JournalIndexBlock.Entries], entry % JournalIndexBlock.Entries);

    private void Forget()
    {
        for (uint i = 0; i < _indexPages; i++)
            _pages.ReturnPage((byte*)_index[i]);
        _indexPages = 0;
        _entries = 0;
        _runCount = 0;
    }
}
