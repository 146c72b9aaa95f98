using System;
using Hv.Drivers.Block;
using Hv.Kernel;

namespace Hv.Shadow.Blocks;

/// <summary>
/// How requests are carried out while there is a snapshot. Those that touch the map are taken one after the other; each is a row of steps, and a
/// step that needs the disk goes on when the disk has answered. All others go straight to the disk.
/// </summary>
public sealed unsafe partial class SnapshotDisk
{
    /// <summary>In a request's <see cref="BlockRequest.DeviceTag"/>: the primary's, whose old contents are to be preserved.</summary>
    private const ulong PreserveTag = 1;
    private const ulong LayeredTag = 2;
    /// <summary>The promoted system's, while the overlay is merged.</summary>
    private const ulong MergingTag = 3;

    private readonly BlockRequest _child;
    private BlockQueue _queue;
    private BlockRequest? _current;
    private ulong _sector;
    private Status _outcome;
    private uint _preserves;
    private byte* _fillPage;
    private ChunkEntry* _zeroSlot;
    private Status _abortStatus;
    private bool _childBusy;
    private bool _running;
    private bool _held;

    /// <summary>A request of the primary's view.</summary>
    internal void StartPrimary(BlockRequest request)
    {
        switch (State)
        {
            case SnapshotState.Active when request.Operation == BlockOperation.Discard && !DataRanges.ContainsSectors(request.FirstSector, request.SectorCount):
                // A hint: not worth preserving the old contents for.
                request.Complete(Status.Ok);
                break;
            case SnapshotState.Active when request.IsWrite && (_preserves != 0 || NeedsPreserving(request)):
                _preserves++;
                Enqueue(request, PreserveTag);
                break;
            case SnapshotState.Merging when request.Operation != BlockOperation.Flush:
                Enqueue(request, MergingTag);
                break;
            case SnapshotState.Merging when _isCommitted:
                _promises.Add(request);
                break;
            default:
                _primary.PassOn(request);
                break;
        }
    }

    /// <summary>A request of the shadow's view.</summary>
    internal void StartShadow(BlockRequest request)
    {
        if (State != SnapshotState.Active)
            request.Complete(Status.InvalidState);
        else if (request.Operation == BlockOperation.Flush)
            request.Complete(Status.Ok);
        else if (!HasScratch && request.IsWrite && DataRanges.TouchesSectors(request.FirstSector, request.SectorCount))
            request.Complete(Status.WriteProtected);
        else
            Enqueue(request, LayeredTag);
    }

    /// <summary>Whether the shadow looks for the snapshot's contents of one of the request's chunks on the disk.</summary>
    private bool NeedsPreserving(BlockRequest request)
    {
        ulong last = (request.EndSector - 1) / _chunkSectors;
        for (ulong chunk = request.FirstSector / _chunkSectors; chunk <= last; chunk++)
        {
            if (NeedsPreserving(chunk))
                return true;
        }
        return false;
    }

    private bool NeedsPreserving(ulong chunk) => !_map.Get(chunk).IsMapped && !DataRanges.Contains(chunk);

    private void Enqueue(BlockRequest request, ulong tag)
    {
        request.DeviceTag = tag;
        _queue.Add(request);
        Run();
    }

    /// <summary>Takes steps until the disk is to be waited for, or nothing is left. A loop, so that the stack stays flat.</summary>
    private void Run()
    {
        if (_running)
            return;
        _running = true;
        while (!_childBusy && TryTakeRequest())
        {
            bool done = _abortStatus != Status.Ok || (_current!.DeviceTag == PreserveTag ? Preserve(_current) : Layer(_current));
            if (done)
                EndRequest();
        }
        _running = false;
    }

    private bool TryTakeRequest()
    {
        if (_current != null)
            return true;
        if (_held && _abortStatus == Status.Ok)
            return false;
        _current = _queue.Take();
        if (_current == null)
            return false;
        _sector = _current.FirstSector;
        _outcome = Status.Ok;
        return true;
    }

    private void EndRequest()
    {
        BlockRequest request = _current!;
        _current = null;
        if (_fillPage != null)
            _pages.ReturnPage(_fillPage);
        _fillPage = null;
        _zeroSlot = null;
        bool preserve = request.DeviceTag == PreserveTag;
        if (preserve)
            _preserves--;
        if (preserve && _abortStatus != Status.Ok && _outcome != Status.Ok)
            ForgetUnread();
        if (_abortStatus != Status.Ok)
            request.Complete(_abortStatus);
        else if (preserve || IsLate(request))
            _primary.PassOn(request);
        else if (_isCommitted && request.ForceUnitAccess && request.IsWrite && _outcome == Status.Ok)
            _promises.Add(request);
        else
            request.Complete(_outcome);
    }

    /// <summary>The primary is about to write: reads what the shadow still needs. True when nothing is left to be preserved.</summary>
    private bool Preserve(BlockRequest request)
    {
        if (_outcome != Status.Ok)
            Break(_outcome);
        if (State != SnapshotState.Active)
            return true;
        ulong last = (request.EndSector - 1) / _chunkSectors;
        ulong chunk = _sector / _chunkSectors;
        while (chunk <= last && !NeedsPreserving(chunk))
            chunk++;
        if (chunk > last)
            return true;
        ulong run = 1;
        while (run < _runChunks && chunk + run <= last && NeedsPreserving(chunk + run))
            run++;
        _child.Prepare(BlockOperation.Read, chunk * _chunkSectors, SectorsOf(chunk, run));
        for (ulong i = 0; i < run; i++)
        {
            ChunkEntry* slot = _map.Slot(chunk + i);
            byte* page = slot == null ? null : _pages.TakePage();
            if (page == null)
            {
                Break(Status.OutOfMemory);
                return true;
            }
            // Nobody looks at the entry before the page is filled: requests that touch the map wait for this one.
            *slot = new ChunkEntry(ChunkKind.Preserved, page);
            PreservedChunks++;
            AddPage(_child, chunk + i, page);
        }
        _sector = (chunk + run) * _chunkSectors;
        StartChild();
        return false;
    }

    /// <summary>What was to be preserved was not read: the chunks are on the disk as before.</summary>
    private void ForgetUnread()
    {
        ulong first = _child.FirstSector / _chunkSectors;
        for (ulong chunk = first; chunk * _chunkSectors < _child.EndSector; chunk++)
            Unmap(_map.Slot(chunk));
    }

    /// <summary>The snapshot cannot be kept up. The primary is not to suffer from it: only the shadow is lost.</summary>
    private void Break(Status reason)
    {
        BrokenReason = reason;
        State = SnapshotState.Broken;
        Forget();
    }

    /// <summary>Whether a request of the promoted system has waited for the end of the merge: the disk has everything now.</summary>
    private bool IsLate(BlockRequest request) => State == SnapshotState.None && request.DeviceTag == MergingTag && _sector == request.FirstSector;

    /// <summary>One step of a request on overlay, preserved chunks and disk. True when it is done.</summary>
    private bool Layer(BlockRequest request)
    {
        if (IsLate(request))
            return true;
        if (State is not (SnapshotState.Active or SnapshotState.Merging))
            _outcome = Status.InvalidState;
        if (_outcome != Status.Ok)
            return true;
        switch (request.Operation)
        {
            case BlockOperation.Read:
                return ReadLayers(request);
            case BlockOperation.Discard:
                DiscardChunks(request);
                return true;
            default:
                return WriteLayers(request);
        }
    }

    private bool ReadLayers(BlockRequest request)
    {
        while (_sector < request.EndSector)
        {
            ulong chunk = _sector / _chunkSectors;
            ChunkEntry entry = _map.Get(chunk);
            if (!entry.IsMapped)
            {
                StartOnDisk(request);
                return false;
            }
            if (entry.IsSpilled)
            {
                StartInJournal(request, entry);
                return false;
            }
            uint sectors = SectorsInChunk(request);
            Copy(request, sectors, entry.Page, toPage: false);
            _sector += sectors;
        }
        return true;
    }

    private bool WriteLayers(BlockRequest request)
    {
        bool zeroes = request.Operation == BlockOperation.WriteZeroes;
        if (_zeroSlot != null)
        {
            Unmap(_zeroSlot);
            _zeroSlot = null;
        }
        while (_sector < request.EndSector)
        {
            ulong chunk = _sector / _chunkSectors;
            if (State == SnapshotState.Merging && !_map.Get(chunk).IsMapped)
            {
                StartOnDisk(request);
                return false;
            }
            ChunkEntry* slot = _map.Slot(chunk);
            if (slot == null)
                return EndOutOfMemory();
            uint sectors = SectorsInChunk(request);
            bool whole = sectors == SectorsOf(chunk, 1);
            if (zeroes && whole)
            {
                SetZero(slot, chunk);
            }
            else if (State == SnapshotState.Merging && slot->Kind == ChunkKind.Zero)
            {
                // Needs no page this way: the zeroes go to the disk first, then the data.
                StartZeroing(slot, chunk);
                return false;
            }
            else
            {
                byte* page = PageFor(slot, chunk, whole, out bool wait);
                if (wait)
                    return false;
                if (page == null)
                    return EndOutOfMemory();
                PageChanges(slot);
                Copy(request, sectors, page, toPage: true);
            }
            _sector += sectors;
        }
        return true;
    }

    /// <summary>
    /// The chunk's page in the overlay, made if need be; null if the pool is empty. A chunk that is on the disk or in the journal and will be written in part only is
    /// read first: <paramref name="wait"/>.
    /// </summary>
    private byte* PageFor(ChunkEntry* slot, ulong chunk, bool whole, out bool wait)
    {
        wait = false;
        ChunkEntry entry = *slot;
        if (entry.Kind == ChunkKind.Overlay && entry.HasPage)
            return entry.Page;
        byte* page = entry.Page;
        if (_fillPage != null)
        {
            page = _fillPage;
            _fillPage = null;
        }
        else if (page == null)
        {
            page = TakePage();
            if (page == null)
                return null;
            if (!whole && entry.Kind != ChunkKind.Zero)
            {
                _fillPage = page;
                _child.Prepare(BlockOperation.Read, entry.IsSpilled ? _journal.DataSector(entry.JournalEntry) : chunk * _chunkSectors, SectorsOf(chunk, 1));
                AddPage(_child, chunk, page);
                StartChild();
                wait = true;
                return page;
            }
        }
        Uncount(entry);
        bool scratch = DataRanges.Contains(chunk);
        *slot = new ChunkEntry(ChunkKind.Overlay, page).WithEntryOf(entry).Scratch(scratch);
        OverlayChunks++;
        if (scratch)
            ScratchChunks++;
        return page;
    }

    /// <summary>Chunks of the overlay that the shadow no longer needs become zero. Others are left as they are: a hint may be ignored.</summary>
    private void DiscardChunks(BlockRequest request)
    {
        ulong chunk = (request.FirstSector + _chunkSectors - 1) / _chunkSectors;
        ulong end = request.EndSector / _chunkSectors;
        while (_map.TryFindNext(ref chunk) && chunk < end)
        {
            ChunkEntry* slot = _map.Slot(chunk);
            if (slot->Kind == ChunkKind.Overlay)
                SetZero(slot, chunk);
            chunk++;
        }
    }

    private void SetZero(ChunkEntry* slot, ulong chunk)
    {
        ChunkEntry entry = *slot;
        Unmap(slot);
        *slot = new ChunkEntry(ChunkKind.Zero, null).WithEntryOf(entry).Scratch(DataRanges.Contains(chunk));
        OverlayChunks++;
        ZeroChunks++;
    }

    private void Unmap(ChunkEntry* slot)
    {
        ChunkEntry entry = *slot;
        Uncount(entry);
        if (entry.HasPage)
            _pages.ReturnPage(entry.Page);
        *slot = default;
    }

    private void Uncount(ChunkEntry entry)
    {
        if (entry.Kind == ChunkKind.Preserved)
            PreservedChunks--;
        else if (entry.IsMapped)
            OverlayChunks--;
        if (entry.Kind == ChunkKind.Zero)
            ZeroChunks--;
        if (entry.IsScratch && entry.HasPage)
            ScratchChunks--;
        if (entry.IsJournaled)
            JournaledChunks--;
        if (entry.IsSpilled)
            SpilledChunks--;
    }

    private bool EndOutOfMemory()
    {
        ShadowRanOutOfMemory = true;
        _outcome = Status.OutOfMemory;
        return true;
    }

    /// <summary>Sectors of the request from the current one to the end of its chunk.</summary>
    private uint SectorsInChunk(BlockRequest request) =>
        (uint)Math.Min(_chunkSectors - _sector % _chunkSectors, request.EndSector - _sector);

    /// <summary>Carries out on the disk what of the request comes next and is not mapped.</summary>
    private void StartOnDisk(BlockRequest request)
    {
        ulong most = request.Operation == BlockOperation.WriteZeroes ? request.SectorCount : (ulong)_runChunks * _chunkSectors;
        ulong end = Math.Min(request.EndSector, _sector + most);
        ulong next = (_sector / _chunkSectors + 1) * _chunkSectors;
        while (next < end && !_map.Get(next / _chunkSectors).IsMapped)
            next += _chunkSectors;
        ulong sectors = Math.Min(next, end) - _sector;
        _child.Prepare(request.Operation, _sector, sectors);
        _child.ForceUnitAccess = request.ForceUnitAccess;
        if (request.Operation != BlockOperation.WriteZeroes)
        {
            ulong skip = (_sector - request.FirstSector) * _disk.SectorSize;
            bool added = _child.AddSegmentsOf(request, skip, sectors * _disk.SectorSize);
            Invariant.Holds(added, "a part of a request fits a request");
        }
        _sector += sectors;
        StartChild();
    }

    private void StartZeroing(ChunkEntry* slot, ulong chunk)
    {
        _zeroSlot = slot;
        _child.Prepare(BlockOperation.WriteZeroes, chunk * _chunkSectors, SectorsOf(chunk, 1));
        StartChild();
    }

    private void StartChild()
    {
        _childBusy = true;
        _disk.Submit(_child);
    }

    /// <summary>Copies the next <paramref name="sectors"/> sectors of the request between its memory and a chunk's page; no page stands for zeroes.</summary>
    private void Copy(BlockRequest request, uint sectors, byte* page, bool toPage)
    {
        uint sectorSize = _disk.SectorSize;
        ulong skip = (_sector - request.FirstSector) * sectorSize;
        uint bytes = sectors * sectorSize;
        byte* at = page == null ? null : page + (_sector % _chunkSectors) * sectorSize;
        if (request.Operation == BlockOperation.WriteZeroes)
        {
            new Span<byte>(at, (int)bytes).Clear();
            return;
        }
        request.CopyData(skip, at, bytes, toPage);
    }

    private void ChildCompleted()
    {
        _childBusy = false;
        _outcome = _child.Status;
        Run();
    }

    /// <summary>Hears of the disk's answers.</summary>
    private sealed class ChildOwner : BlockRequestOwner
    {
        private readonly SnapshotDisk _disk;

        public ChildOwner(SnapshotDisk disk) => _disk = disk;

        public override void Completed(BlockRequest request) => _disk.ChildCompleted();
    }
}
