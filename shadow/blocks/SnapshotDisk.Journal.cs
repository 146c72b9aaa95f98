using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Shadow.Journal;

namespace Hv.Shadow.Blocks;

/// <summary>
/// How a switch is made atomic (DESIGN D13). What the shadow has written and what the primary has overwritten go to the journal while both run; then
/// one record commits all of it, and it is merged afterwards.
/// </summary>
/// <remarks>
/// Between commit and end of the merge a power loss brings every journaled chunk back to what it was at the commit. That is what a disk may do to
/// writes that were not flushed, so flushes are held back until the merge is over: see <see cref="HasPromises"/>.
/// </remarks>
public sealed unsafe partial class SnapshotDisk
{
    private const uint MaxVisits = 4096;

    private readonly nint[] _runSlots = new nint[DiskJournal.MaxRun];
    private BlockQueue _promises;
    private ulong _journalCursor;
    private ulong _spillCursor;
    private uint _runCount;
    private bool _isCommitted;

    /// <summary>The journal.</summary>
    public DiskJournal Journal => _journal;

    /// <summary>Chunks whose present contents the journal has.</summary>
    public ulong JournaledChunks { get; private set; }

    /// <summary>Chunks whose contents are in the journal only.</summary>
    public ulong SpilledChunks { get; private set; }

    /// <summary>Whether the journal has room for everything there is now.</summary>
    public bool FitsJournal => UnjournaledChunks <= _journal.Capacity - Math.Min(_journal.Entries, _journal.Capacity);

    /// <summary>Chunks that the journal does not have yet, or not any more as they are now.</summary>
    public ulong UnjournaledChunks => OverlayChunks - ZeroChunks + PreservedChunks - ScratchChunks - JournaledChunks;

    /// <summary>Whether <see cref="WriteAhead"/> has something to do.</summary>
    public bool NeedsWriteAhead => State == SnapshotState.Active && _journal.State == JournalState.Open && UnjournaledChunks != 0;

    /// <summary>Whether a guest waits for the end of the merge, since only then its writes are safe.</summary>
    public bool HasPromises => !_promises.IsEmpty;

    /// <summary>
    /// Writes up to <paramref name="maxChunks"/> chunks (not 0) to the journal, and waits for it. Ok if they were written; an error means that they were
    /// not, and the journal's state tells whether it makes sense to go on.
    /// </summary>
    public Status WriteAhead(uint maxChunks)
    {
        Drain();
        if (!NeedsWriteAhead)
            return Status.Ok;
        _held = true;
        Status status = WriteChunks(maxChunks, MaxVisits);
        _held = false;
        Run();
        return status;
    }

    /// <summary>Gives back to the pool the pages of up to <paramref name="maxChunks"/> chunks (not 0) that the journal has. How many.</summary>
    public uint Spill(uint maxChunks)
    {
        uint spilled = 0;
        if (State != SnapshotState.Active)
            return spilled;
        // Round once at most.
        for (ulong left = OverlayChunks + PreservedChunks; left != 0 && spilled < maxChunks && JournaledChunks != SpilledChunks; left--)
        {
            if (!_map.TryFindNext(ref _spillCursor))
            {
                _spillCursor = 0;
                continue;
            }
            ChunkEntry* slot = _map.Slot(_spillCursor++);
            if (!slot->HasPage || !slot->IsJournaled)
                continue;
            _pages.ReturnPage(slot->Page);
            *slot = slot->With((byte*)null);
            SpilledChunks++;
            spilled++;
        }
        return spilled;
    }

    /// <summary>
    /// Writes the rest to the journal and commits it: from the return of Ok on the disk is what the shadow sees, even if the power fails, and that is
    /// what <see cref="PrimaryView"/> shows. <see cref="MergeStep"/> has to follow until it is done. The old primary must be at rest. After an error
    /// the disk is what it was, only scratch is forgotten. InvalidState: no active snapshot, or the journal cannot be used.
    /// </summary>
    public Status Commit()
    {
        if (State != SnapshotState.Active)
            return Status.InvalidState;
        Drain();
        // Draining may have broken the snapshot.
        if (State != SnapshotState.Active || _journal.State != JournalState.Open)
            return Status.InvalidState;
        DropScratch();
        _held = true;
        Status status = Status.Ok;
        while (status == Status.Ok && UnjournaledChunks != 0)
            status = WriteChunks(uint.MaxValue, uint.MaxValue);
        if (status == Status.Ok)
            status = AddZeroes();
        if (status == Status.Ok)
            status = _journal.Commit();
        if (status == Status.Ok)
        {
            _isCommitted = true;
            _mergeCursor = 0;
            State = SnapshotState.Merging;
        }
        _held = false;
        Run();
        return status;
    }

    /// <summary>Whether a request would change the journal's partition, which is Hv's while it runs.</summary>
    internal bool ChangesJournal(BlockRequest request) =>
        request.Operation is BlockOperation.Write or BlockOperation.WriteZeroes or BlockOperation.Discard
        && request.FirstSector < _journal.EndSector && _journal.FirstSector < request.EndSector;

    /// <summary>A chunk's page is about to be written to.</summary>
    private void PageChanges(ChunkEntry* slot)
    {
        if (!slot->IsJournaled)
            return;
        *slot = slot->Journaled(false);
        JournaledChunks--;
    }

    private Status WriteChunks(uint maxChunks, uint maxVisits)
    {
        Status status = Status.Ok;
        while (status == Status.Ok && maxChunks != 0 && maxVisits != 0 && UnjournaledChunks > _runCount)
        {
            if (!_map.TryFindNext(ref _journalCursor))
            {
                _journalCursor = 0;
                continue;
            }
            ChunkEntry* slot = _map.Slot(_journalCursor);
            maxVisits--;
            if (slot->HasPage && !slot->IsJournaled && !slot->IsScratch)
            {
                status = AddToRun(slot, _journalCursor);
                maxChunks--;
            }
            _journalCursor++;
        }
        Status written = WriteRun();
        return status == Status.Ok ? written : status;
    }

    private Status AddToRun(ChunkEntry* slot, ulong chunk)
    {
        if (!slot->HasJournalEntry)
        {
            Status status = _journal.TakeEntry(out uint entry);
            if (status != Status.Ok)
                return status;
            *slot = slot->With(entry);
        }
        if (!_journal.TryAddToRun(slot->JournalEntry, chunk, slot->Page))
        {
            Status status = WriteRun();
            if (status != Status.Ok)
                return status;
            bool added = _journal.TryAddToRun(slot->JournalEntry, chunk, slot->Page);
            Invariant.Holds(added, "an empty run takes any chunk");
        }
        _runSlots[_runCount++] = (nint)slot;
        return Status.Ok;
    }

    private Status WriteRun()
    {
        Status status = _journal.WriteRun();
        for (uint i = 0; i < _runCount && status == Status.Ok; i++)
        {
            var slot = (ChunkEntry*)_runSlots[i];
            *slot = slot->Journaled(true);
            JournaledChunks++;
        }
        _runCount = 0;
        return status;
    }

    /// <summary>Reads into the request what of it lies in the present chunk, which has been spilled.</summary>
    private void StartInJournal(BlockRequest request, ChunkEntry entry)
    {
        uint sectors = SectorsInChunk(request);
        _child.Prepare(BlockOperation.Read, _journal.DataSector(entry.JournalEntry) + _sector % _chunkSectors, sectors);
        bool added = _child.AddSegmentsOf(request, (_sector - request.FirstSector) * _disk.SectorSize, (ulong)sectors * _disk.SectorSize);
        Invariant.Holds(added, "a part of a request fits a request");
        _sector += sectors;
        StartChild();
    }

    /// <summary>Gives the chunks of the next run, from <paramref name="chunk"/> on, their pages back if they were spilled. OutOfMemory: not even the first one could be.</summary>
    private Status BringBack(ulong chunk, ulong most)
    {
        most = Math.Min(most, _runChunks);
        for (ulong i = 0; i < most && SpilledChunks != 0; i++)
        {
            ChunkEntry entry = _map.Get(chunk + i);
            if (!entry.IsMapped || entry.Kind == ChunkKind.Zero)
                break;
            if (!entry.IsSpilled)
                continue;
            byte* page = TakePage();
            if (page == null)
                return i == 0 ? Status.OutOfMemory : Status.Ok;
            _mergeRequest.Prepare(BlockOperation.Read, _journal.DataSector(entry.JournalEntry), SectorsOf(chunk + i, 1));
            AddPage(_mergeRequest, chunk + i, page);
            Status status = _disk.Execute(_mergeRequest);
            if (status != Status.Ok)
            {
                _pages.ReturnPage(page);
                return status;
            }
            ChunkEntry* slot = _map.Slot(chunk + i);
            *slot = slot->With(page);
            SpilledChunks--;
        }
        return Status.Ok;
    }

    /// <summary>
    /// A page of the pool, or null. The merge and the promoted system's writes matter more than the last view, which is given up for them: nothing would
    /// ever become free again if the merge could not go on.
    /// </summary>
    private byte* TakePage()
    {
        byte* page = _pages.TakePage();
        return page == null && State == SnapshotState.Merging && Kept.GiveUp() ? _pages.TakePage() : page;
    }

    /// <summary>Tells the journal of the chunks that are zero, neighbours together.</summary>
    private Status AddZeroes()
    {
        ulong first = 0;
        uint count = 0;
        Status status = Status.Ok;
        for (ulong chunk = 0; status == Status.Ok && ZeroChunks != 0 && _map.TryFindNext(ref chunk); chunk++)
        {
            ChunkEntry entry = _map.Get(chunk);
            if (entry.Kind != ChunkKind.Zero)
                continue;
            if (entry.HasJournalEntry)
            {
                _journal.SetZero(entry.JournalEntry, chunk);
                continue;
            }
            if (count != 0 && chunk == first + count)
            {
                count++;
                continue;
            }
            if (count != 0)
                status = _journal.AddZeroes(first, count);
            first = chunk;
            count = 1;
        }
        return status == Status.Ok && count != 0 ? _journal.AddZeroes(first, count) : status;
    }

    /// <summary>The merge is over, or has failed: those who wait for that are answered.</summary>
    private void KeepPromises(Status status)
    {
        for (BlockRequest? request = _promises.Take(); request != null; request = _promises.Take())
        {
            if (status == Status.Ok && request.Operation == BlockOperation.Flush)
                _primary.PassOn(request);
            else
                request.Complete(status);
        }
    }
}
