using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Shadow.Blocks;

/// <summary>
/// A disk whose contents of one moment (<see cref="Keep"/>) can still be read, through <see cref="View"/>, while it goes on being written: the old
/// contents of a chunk are read into a page of the pool before the first write to it. Writers never suffer: if that cannot be done the view is lost.
/// </summary>
/// <remarks>
/// Contents are kept in chunks of 4 KiB. Live ranges are not kept: there the view shows the disk as it is. Used by one processor at a time: the
/// caller holds the disk's lock. Allocates objects in its constructor only. While nothing is kept requests go straight through.
/// </remarks>
public sealed unsafe class KeptDisk : BlockDevice
{
    private const uint MaxRunChunks = 128;

    private readonly BlockDevice _disk;
    private readonly PageSource _pages;
    private readonly BlockRanges _live;
    private readonly ChunkMap _map;
    private readonly BlockRequest _child = new((int)MaxRunChunks + 1);
    private readonly uint _chunkSectors;
    private readonly uint _runChunks;
    private BlockQueue _queue;
    private BlockRequest? _current;
    private ulong _sector;
    private ulong _maxChunks;
    private Status _outcome;
    private Status _abortStatus;
    private bool _childBusy;
    private bool _running;

    /// <summary>Over <paramref name="disk"/>; pages come from <paramref name="pages"/>. While booting only.</summary>
    public KeptDisk(BlockDevice disk, PageSource pages, BlockRanges live) : base(disk.Time)
    {
        _disk = disk;
        _pages = pages;
        _live = live;
        _chunkSectors = PageSize.Small / disk.SectorSize;
        _runChunks = Math.Min(MaxRunChunks, disk.MaxTransferSectors / _chunkSectors);
        _map = new ChunkMap(pages, disk.SectorCount / _chunkSectors + 1);
        _child.Owner = new ChildOwner(this);
        View = new KeptView(this);
    }

    /// <summary>The disk as it was: reads only.</summary>
    public BlockDevice View { get; }

    /// <summary>What is kept.</summary>
    public KeptState State { get; private set; }

    /// <summary>Chunks whose old contents are in memory.</summary>
    public ulong KeptChunks { get; private set; }

    /// <summary>Pages of the pool that are in use.</summary>
    public ulong PagesInUse => KeptChunks + _map.Nodes;

    /// <inheritdoc/>
    public override uint SectorSize => _disk.SectorSize;

    /// <inheritdoc/>
    public override ulong SectorCount => _disk.SectorCount;

    /// <inheritdoc/>
    public override uint MaxTransferSectors => _disk.MaxTransferSectors;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => _disk.CanWriteZeroes;

    /// <summary>
    /// Keeps the present contents, with at most <paramref name="maxChunks"/> chunks in memory. InvalidState if something is kept. No request may be
    /// in flight.
    /// </summary>
    public Status Keep(ulong maxChunks)
    {
        if (State != KeptState.None)
            return Status.InvalidState;
        _maxChunks = maxChunks;
        State = KeptState.Kept;
        return Status.Ok;
    }

    /// <summary>Ends the view; every page is given back.</summary>
    public void Release()
    {
        var deadline = new Deadline(Time, TimeLimitNanoseconds);
        while (_current != null)
        {
            Poll();
            if (_current != null && deadline.HasPassed)
                AbortAll(Status.Timeout);
        }
        Forget();
        State = KeptState.None;
    }

    /// <summary>
    /// Loses the view, so that its pages can be used for something that matters more. False if there is nothing to gain, or a page is being filled.
    /// </summary>
    public bool GiveUp()
    {
        if (KeptChunks == 0 || _childBusy && _current!.Operation != BlockOperation.Read)
            return false;
        Lose();
        return true;
    }

    /// <inheritdoc/>
    public override void Poll() => _disk.Poll();

    /// <inheritdoc/>
    public override void AbortAll(Status status)
    {
        _abortStatus = status;
        _disk.AbortAll(status);
        Run();
        _abortStatus = Status.Ok;
    }

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        if (State != KeptState.Kept)
            Forward(_disk, request);
        else if (request.Operation == BlockOperation.Discard && !_live.ContainsSectors(request.FirstSector, request.SectorCount))
            // A hint: not worth keeping the old contents for.
            request.Complete(Status.Ok);
        else if (request.IsWrite && (_current != null || NeedsKeeping(request)))
            Enqueue(request);
        else
            Forward(_disk, request);
    }

    private void StartView(BlockRequest request)
    {
        if (request.Operation is BlockOperation.Flush or BlockOperation.Discard)
            request.Complete(Status.Ok);
        else if (request.Operation != BlockOperation.Read)
            request.Complete(Status.WriteProtected);
        else if (State != KeptState.Kept)
            request.Complete(Status.DeviceError);
        else
            Enqueue(request);
    }

    private bool NeedsKeeping(BlockRequest request)
    {
        ulong last = (request.EndSector - 1) / _chunkSectors;
        for (ulong chunk = request.FirstSector / _chunkSectors; chunk <= last; chunk++)
        {
            if (NeedsKeeping(chunk))
                return true;
        }
        return false;
    }

    private bool NeedsKeeping(ulong chunk) => !_map.Get(chunk).IsMapped && !_live.Contains(chunk);

    private void Enqueue(BlockRequest request)
    {
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
            BlockRequest request = _current!;
            // Reads here are the view's: those of the disk itself are not queued.
            bool isView = request.Operation == BlockOperation.Read;
            if (_abortStatus == Status.Ok && !(isView ? ReadKept(request) : KeepOld(request)))
                continue;
            _current = null;
            // What could not be read is not kept.
            if (!isView && _outcome != Status.Ok && State == KeptState.Kept)
                Lose();
            if (_abortStatus != Status.Ok)
                request.Complete(_abortStatus);
            else if (isView)
                request.Complete(_outcome);
            else
                Forward(_disk, request);
        }
        _running = false;
    }

    private bool TryTakeRequest()
    {
        if (_current != null)
            return true;
        _current = _queue.Take();
        if (_current == null)
            return false;
        _sector = _current.FirstSector;
        _outcome = Status.Ok;
        return true;
    }

    /// <summary>The disk is about to be written: reads what the view still needs. True when nothing is left to be kept.</summary>
    private bool KeepOld(BlockRequest request)
    {
        if (_outcome != Status.Ok)
            Lose();
        if (State != KeptState.Kept)
            return true;
        ulong last = (request.EndSector - 1) / _chunkSectors;
        ulong chunk = _sector / _chunkSectors;
        while (chunk <= last && !NeedsKeeping(chunk))
            chunk++;
        if (chunk > last)
            return true;
        ulong run = 1;
        while (run < _runChunks && chunk + run <= last && NeedsKeeping(chunk + run))
            run++;
        _child.Prepare(BlockOperation.Read, chunk * _chunkSectors, SectorsOf(chunk, run));
        for (ulong i = 0; i < run; i++)
        {
            ChunkEntry* slot = KeptChunks == _maxChunks ? null : _map.Slot(chunk + i);
            byte* page = slot == null ? null : _pages.TakePage();
            if (page == null)
            {
                Lose();
                return true;
            }
            // Nobody looks at the entry before the page is filled: requests that do wait for this one.
            *slot = new ChunkEntry(ChunkKind.Preserved, page);
            KeptChunks++;
            bool added = _child.AddSegment(new HostPhysical((ulong)page), (uint)SectorsOf(chunk + i, 1) * SectorSize);
            Invariant.Holds(added, "pages fit a block request");
        }
        _sector = (chunk + run) * _chunkSectors;
        StartChild();
        return false;
    }

    /// <summary>One step of a read of the view. True when it is done.</summary>
    private bool ReadKept(BlockRequest request)
    {
        if (State != KeptState.Kept)
            _outcome = Status.DeviceError;
        while (_outcome == Status.Ok && _sector < request.EndSector)
        {
            ulong chunk = _sector / _chunkSectors;
            ChunkEntry entry = _map.Get(chunk);
            if (!entry.IsMapped)
            {
                ReadOnDisk(request);
                return false;
            }
            uint inChunk = (uint)(_sector % _chunkSectors);
            uint sectors = (uint)Math.Min(_chunkSectors - inChunk, request.EndSector - _sector);
            request.CopyData((_sector - request.FirstSector) * SectorSize, entry.Page + inChunk * SectorSize, sectors * SectorSize, take: false);
            _sector += sectors;
        }
        return true;
    }

    /// <summary>Reads what of the request comes next and is still on the disk.</summary>
    private void ReadOnDisk(BlockRequest request)
    {
        ulong end = Math.Min(request.EndSector, _sector + (ulong)_runChunks * _chunkSectors);
        ulong next = (_sector / _chunkSectors + 1) * _chunkSectors;
        while (next < end && !_map.Get(next / _chunkSectors).IsMapped)
            next += _chunkSectors;
        ulong sectors = Math.Min(next, end) - _sector;
        _child.Prepare(BlockOperation.Read, _sector, sectors);
        bool added = _child.AddSegmentsOf(request, (_sector - request.FirstSector) * SectorSize, sectors * SectorSize);
        Invariant.Holds(added, "a part of a request fits a request");
        _sector += sectors;
        StartChild();
    }

    private void StartChild()
    {
        _childBusy = true;
        _disk.Submit(_child);
    }

    /// <summary>Sectors of <paramref name="count"/> chunks; the disk's last chunk may be a short one.</summary>
    private ulong SectorsOf(ulong chunk, ulong count) => Math.Min(count * _chunkSectors, _disk.SectorCount - chunk * _chunkSectors);

    private void Lose()
    {
        Forget();
        State = KeptState.Lost;
    }

    private void Forget()
    {
        _map.Clear();
        KeptChunks = 0;
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
        private readonly KeptDisk _disk;

        public ChildOwner(KeptDisk disk) => _disk = disk;

        public override void Completed(BlockRequest request) => _disk.ChildCompleted();
    }

    /// <summary>The disk as it was.</summary>
    private sealed class KeptView : BlockDevice
    {
        private readonly KeptDisk _owner;

        public KeptView(KeptDisk owner) : base(owner.Time) => _owner = owner;

        public override uint SectorSize => _owner.SectorSize;

        public override ulong SectorCount => _owner.SectorCount;

        public override uint MaxTransferSectors => _owner.MaxTransferSectors;

        public override void Poll() => _owner.Poll();

        public override void AbortAll(Status status) => _owner.AbortAll(status);

        protected override void Start(BlockRequest request) => _owner.StartView(request);
    }
}
