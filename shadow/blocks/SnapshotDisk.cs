using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;
using Hv.Shadow.Journal;

namespace Hv.Shadow.Blocks;

/// <summary>
/// One real disk, seen by two VMs. From <see cref="TakeSnapshot"/> on each sees its own writes only: the primary's go to the disk, after the old
/// contents have been preserved; the shadow's go to an overlay in memory. At the end either <see cref="Discard"/> forgets the shadow's writes,
/// or <see cref="BeginMerge"/> (or <see cref="Commit"/>, which a power loss cannot undo) and <see cref="MergeStep"/> make the disk what the shadow saw.
/// <para>
/// In the <see cref="DataRanges"/> the primary's writes win: both see the disk as it is, nothing is preserved, and journal and merge leave them alone.
/// The shadow's writes there are refused, or with <see cref="HasScratch"/> kept in the overlay, for its eyes only, until <see cref="ForgetScratch"/> or the switch.
/// </para>
/// </summary>
/// <remarks>
/// Contents are kept in chunks of 4 KiB. Used by one processor at a time: the caller holds the disk's lock. Allocates objects in its constructor
/// only; pages come from the pool. While there is no snapshot requests go straight through, without a copy.
/// </remarks>
public sealed unsafe partial class SnapshotDisk
{
    /// <summary>Bytes of a chunk: a page.</summary>
    public const uint ChunkBytes = PageSize.Small;

    private const uint MaxRunChunks = 128;

    private readonly BlockDevice _disk;
    private readonly PageSource _pages;
    private readonly ChunkMap _map;
    private readonly SnapshotView _primary;
    private readonly SnapshotView _shadow;
    private readonly BlockRequest _mergeRequest = new((int)MaxRunChunks);
    private readonly uint _chunkSectors;
    private readonly uint _runChunks;
    private readonly DiskJournal _journal;
    private ulong _mergeCursor;

    /// <summary>
    /// Divides <paramref name="disk"/>, which must be able to write zeroes. Pages come from <paramref name="pages"/>; <paramref name="journal"/> is the
    /// disk's, found or not.
    /// </summary>
    public SnapshotDisk(BlockDevice disk, PageSource pages, DiskJournal journal)
    {
        Invariant.Holds(disk.CanWriteZeroes && disk.SectorSize <= ChunkBytes, "a disk under snapshots");
        _pages = pages;
        _journal = journal;
        _chunkSectors = ChunkBytes / disk.SectorSize;
        DataRanges = new BlockRanges(_chunkSectors, disk.SectorCount);
        Kept = new KeptDisk(disk, pages, DataRanges);
        disk = Kept;
        _disk = disk;
        _runChunks = Math.Min(MaxRunChunks, disk.MaxTransferSectors / _chunkSectors);
        _map = new ChunkMap(pages, disk.SectorCount / _chunkSectors + 1);
        _primary = new SnapshotView(this, disk, isShadow: false);
        _shadow = new SnapshotView(this, disk, isShadow: true);
        _child = new BlockRequest((int)MaxRunChunks + 1) { Owner = new ChildOwner(this) };
    }

    /// <summary>The disk of the VM that is the primary.</summary>
    public BlockDevice PrimaryView => _primary;

    /// <summary>The disk of the shadow.</summary>
    public BlockDevice ShadowView => _shadow;

    /// <summary>
    /// The disk under the snapshot. What it <see cref="KeptDisk.Keep"/>s just before <see cref="BeginMerge"/> or <see cref="Commit"/> is the old primary's last
    /// view of the disk, whatever the merge and the new primary write. The journal, which is not part of any system, is written past it.
    /// </summary>
    public KeptDisk Kept { get; }

    /// <summary>The third view: the disk as the old primary left it, read-only. Every request fails unless <see cref="Kept"/> keeps it.</summary>
    public BlockDevice PrimaryLastView => Kept.View;

    /// <summary>Where the primary's writes win. Changed only while <see cref="State"/> is None and <see cref="Kept"/> keeps nothing.</summary>
    public BlockRanges DataRanges { get; }

    /// <summary>
    /// Whether the shadow may write to the data ranges: what it writes is never merged. For a fork, which still has their file systems mounted
    /// until it has shut down. Changed while the shadow has no request in flight.
    /// </summary>
    public bool HasScratch { get; set; }

    /// <summary>Chunks with a page that the shadow has written in the data ranges: never journaled, never spilled, never merged.</summary>
    public ulong ScratchChunks { get; private set; }

    /// <summary>What the disk is doing.</summary>
    public SnapshotState State { get; private set; }

    /// <summary>Why the snapshot is <see cref="SnapshotState.Broken"/>: OutOfMemory, or the disk's error.</summary>
    public Status BrokenReason { get; private set; }

    /// <summary>Whether a write of the shadow has failed since the snapshot because the pool was empty.</summary>
    public bool ShadowRanOutOfMemory { get; private set; }

    /// <summary>Chunks that the shadow has written, those it zeroed included.</summary>
    public ulong OverlayChunks { get; private set; }

    /// <summary>Of these, the ones that are zero and take no page.</summary>
    public ulong ZeroChunks { get; private set; }

    /// <summary>Bytes that the shadow has written, in whole chunks.</summary>
    public ulong OverlayBytes => OverlayChunks * ChunkBytes;

    /// <summary>Chunks whose old contents are kept because the primary has overwritten them.</summary>
    public ulong PreservedChunks { get; private set; }

    /// <summary>Pages of the pool that are in use.</summary>
    public ulong PagesInUse => OverlayChunks - ZeroChunks + PreservedChunks - SpilledChunks + _map.Nodes + Kept.PagesInUse;

    /// <summary>
    /// Starts a snapshot, and the journal with it if <paramref name="useJournal"/> and there is one. InvalidState if there is a snapshot. The primary must
    /// have no request in flight.
    /// </summary>
    public Status TakeSnapshot(bool useJournal = true)
    {
        if (State != SnapshotState.None)
            return Status.InvalidState;
        _isCommitted = false;
        if (useJournal)
            _journal.Begin();
        ShadowRanOutOfMemory = false;
        BrokenReason = Status.Ok;
        State = SnapshotState.Active;
        return Status.Ok;
    }

    /// <summary>Ends the snapshot and forgets what the shadow wrote; every page is given back. InvalidState if there is none, or it is being merged.</summary>
    public Status Discard()
    {
        if (State is SnapshotState.None or SnapshotState.Merging)
            return Status.InvalidState;
        Drain();
        Forget();
        _journal.Discard();
        State = SnapshotState.None;
        return Status.Ok;
    }

    /// <summary>
    /// Starts to make the disk what the shadow sees. From now on that is what <see cref="PrimaryView"/> shows; the old primary must be at rest.
    /// InvalidState if the snapshot is not active.
    /// </summary>
    public Status BeginMerge()
    {
        if (State != SnapshotState.Active)
            return Status.InvalidState;
        Drain();
        // Draining may have broken the snapshot.
        if (State != SnapshotState.Active)
            return Status.InvalidState;
        DropScratch();
        _journal.Discard();
        _mergeCursor = 0;
        State = SnapshotState.Merging;
        return Status.Ok;
    }

    /// <summary>
    /// Forgets what the shadow has written to the data ranges; it sees there what the primary sees. InvalidState if the snapshot is not active.
    /// </summary>
    public Status ForgetScratch()
    {
        if (State == SnapshotState.Active)
            Drain();
        if (State != SnapshotState.Active)
            return Status.InvalidState;
        DropScratch();
        return Status.Ok;
    }

    /// <summary>
    /// Writes up to <paramref name="maxChunks"/> chunks (not 0) to the disk, in ascending order and large requests, and waits for it. Pending if more
    /// remain; Ok when all are written and flushed: the snapshot is over then. After an error of the disk nothing is lost, it may be tried again.
    /// </summary>
    public Status MergeStep(uint maxChunks)
    {
        if (State != SnapshotState.Merging)
            return Status.InvalidState;
        Drain();
        _held = true;
        Status status = MergeChunks(maxChunks);
        if (status == Status.Ok)
        {
            _mergeRequest.Prepare(BlockOperation.Flush, 0, 0);
            status = _disk.Execute(_mergeRequest);
        }
        if (status == Status.Ok && _isCommitted)
            status = _journal.MarkMerged();
        if (status == Status.Ok)
        {
            Forget();
            State = SnapshotState.None;
        }
        _held = false;
        Run();
        if (status != Status.Pending)
            KeepPromises(status);
        return status;
    }

    /// <summary>Aborts everything that is under way or waiting.</summary>
    internal void AbortAll(Status status)
    {
        _abortStatus = status;
        _disk.AbortAll(status);
        Run();
        KeepPromises(status);
        _abortStatus = Status.Ok;
    }

    /// <summary>Ok if nothing is left, Pending if something is.</summary>
    private Status MergeChunks(uint maxChunks)
    {
        ulong left = maxChunks;
        while (_map.TryFindNext(ref _mergeCursor))
        {
            if (left == 0)
                return Status.Pending;
            Status status = BringBack(_mergeCursor, left);
            if (status != Status.Ok)
                return status;
            ulong run = PrepareMergeRun(_mergeCursor, left);
            status = _disk.Execute(_mergeRequest);
            if (status != Status.Ok)
                return status;
            for (ulong chunk = _mergeCursor; chunk < _mergeCursor + run; chunk++)
                Unmap(_map.Slot(chunk));
            _mergeCursor += run;
            left -= run;
        }
        return Status.Ok;
    }

    /// <summary>Makes one request of at most <paramref name="most"/> chunks from <paramref name="first"/> on: neighbours with pages, or neighbours that are zero. Their number.</summary>
    private ulong PrepareMergeRun(ulong first, ulong most)
    {
        bool zero = !_map.Get(first).HasPage;
        most = Math.Min(most, zero ? BlockDevice.MaxZeroSectors / _chunkSectors : _runChunks);
        ulong run = 1;
        while (run < most)
        {
            ChunkEntry next = _map.Get(first + run);
            if (zero ? next.Kind != ChunkKind.Zero : !next.HasPage)
                break;
            run++;
        }
        BlockOperation operation = zero ? BlockOperation.WriteZeroes : BlockOperation.Write;
        _mergeRequest.Prepare(operation, first * _chunkSectors, SectorsOf(first, run));
        for (ulong i = 0; i < run && !zero; i++)
            AddPage(_mergeRequest, first + i, _map.Get(first + i).Page);
        return run;
    }

    /// <summary>Sectors of <paramref name="count"/> chunks; the disk's last chunk may be a short one.</summary>
    private ulong SectorsOf(ulong chunk, ulong count) => Math.Min(count * _chunkSectors, _disk.SectorCount - chunk * _chunkSectors);

    private void AddPage(BlockRequest request, ulong chunk, byte* page)
    {
        bool added = request.AddSegment(new HostPhysical((ulong)page), (uint)SectorsOf(chunk, 1) * _disk.SectorSize);
        Invariant.Holds(added, "pages fit a block request");
    }

    private void DropScratch()
    {
        for (int i = 0; i < DataRanges.Count; i++)
        {
            ulong chunk = DataRanges.FirstChunk(i);
            for (; _map.TryFindNext(ref chunk) && chunk < DataRanges.EndChunk(i); chunk++)
                Unmap(_map.Slot(chunk));
        }
    }

    private void Forget()
    {
        _map.Clear();
        OverlayChunks = 0;
        ZeroChunks = 0;
        PreservedChunks = 0;
        ScratchChunks = 0;
        JournaledChunks = 0;
        SpilledChunks = 0;
    }

    /// <summary>Waits until no request is in the hands of the snapshot; what takes too long is aborted.</summary>
    private void Drain()
    {
        var deadline = new Deadline(_disk.Time, BlockDevice.TimeLimitNanoseconds);
        while (_current != null)
        {
            _disk.Poll();
            if (_current != null && deadline.HasPassed)
                AbortAll(Status.Timeout);
        }
    }
}
