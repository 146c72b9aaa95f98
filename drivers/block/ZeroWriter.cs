using System;
using Hv.Kernel;

namespace Hv.Drivers.Block;

/// <summary>Gives a device that cannot write zeroes by itself that operation, by writing one page of zeroes over and over.</summary>
/// <remarks>Every other request is forwarded as it is. One zeroing is under way at a time; others wait for it.</remarks>
public sealed class ZeroWriter : BlockDevice
{
    private const uint MaxSegments = 128;

    private readonly BlockDevice _device;
    private readonly HostPhysical _zeroPage;
    private readonly BlockRequest _write = new((int)MaxSegments);
    private readonly Step _step;
    private BlockRequest? _current;
    private BlockRequest? _waitingFirst;
    private BlockRequest? _waitingLast;
    private ulong _next;
    private bool _running;

    /// <summary>Puts itself in front of <paramref name="device"/>; <paramref name="zeroPage"/> is 4 KiB of zeroes that nobody writes to.</summary>
    public ZeroWriter(BlockDevice device, HostPhysical zeroPage) : base(device.Time)
    {
        _device = device;
        _zeroPage = zeroPage;
        _step = new Step(this);
        _write.Owner = _step;
    }

    /// <inheritdoc/>
    public override uint SectorSize => _device.SectorSize;

    /// <inheritdoc/>
    public override ulong SectorCount => _device.SectorCount;

    /// <inheritdoc/>
    public override uint MaxTransferSectors => _device.MaxTransferSectors;

    /// <inheritdoc/>
    public override void Poll() => _device.Poll();

    /// <inheritdoc/>
    public override void AbortAll(Status status)
    {
        BlockRequest? waiting = _waitingFirst;
        _waitingFirst = null;
        _waitingLast = null;
        _device.AbortAll(status);
        while (waiting is not null)
        {
            BlockRequest request = waiting;
            waiting = request.Next;
            request.Next = null;
            request.Complete(status);
        }
    }

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        if (request.Operation != BlockOperation.WriteZeroes)
        {
            Forward(_device, request);
            return;
        }
        request.Next = null;
        if (_waitingLast is null)
            _waitingFirst = request;
        else
            _waitingLast.Next = request;
        _waitingLast = request;
        Run();
    }

    /// <summary>Goes on for as long as writes complete at once; a write that completes later comes back here through <see cref="Step"/>.</summary>
    private void Run()
    {
        if (_running)
            return;
        _running = true;
        while (_current is null || _write.IsDone)
        {
            if (_current is not null && !Finished(_current))
            {
                WriteMore(_current);
                continue;
            }
            if (_current is not null)
            {
                BlockRequest done = _current;
                _current = null;
                done.Complete(_write.Status);
                continue;
            }
            if (_waitingFirst is null)
                break;
            _current = _waitingFirst;
            _waitingFirst = _current.Next;
            if (_waitingFirst is null)
                _waitingLast = null;
            _current.Next = null;
            _next = _current.FirstSector;
            WriteMore(_current);
        }
        _running = false;
    }

    private bool Finished(BlockRequest request) =>
        _write.Status != Status.Ok || _next == request.FirstSector + request.SectorCount;

    private void WriteMore(BlockRequest request)
    {
        ulong left = request.FirstSector + request.SectorCount - _next;
        uint most = Math.Min(_device.MaxTransferSectors, MaxSegments * PageSize.Small / SectorSize);
        uint count = (uint)Math.Min(left, most);
        _write.Prepare(BlockOperation.Write, _next, count);
        _write.ForceUnitAccess = request.ForceUnitAccess;
        for (uint bytes = count * SectorSize; bytes != 0;)
        {
            uint part = Math.Min(bytes, PageSize.Small);
            _write.AddSegment(_zeroPage, part);
            bytes -= part;
        }
        _next += count;
        _device.Submit(_write);
    }

    private sealed class Step : BlockRequestOwner
    {
        private readonly ZeroWriter _writer;

        public Step(ZeroWriter writer) => _writer = writer;

        public override void Completed(BlockRequest request) => _writer.Run();
    }
}
