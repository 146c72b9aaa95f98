using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Drivers.Ata;

/// <summary>
/// A disk with the ATA command set, whatever carries the commands. One command is under way at a time, more requests wait in a queue;
/// long transfers are cut into several commands.
/// </summary>
/// <remarks>Cannot write zeroes by itself; takes discards as the hints they are, and does nothing.</remarks>
public abstract unsafe class AtaDisk : BlockDevice
{
    /// <summary>The longest transfer in bytes.</summary>
    public const uint MaxTransferBytes = 1u << 20;

    // From a reset to the first command: a disk may have to spin up (ATA8-APT, 9.1).
    private const ulong IdentifyLimitNanoseconds = 31_000_000_000;

    private readonly AtaIdentifyData _data = new();
    private BlockQueue _waiting;
    private BlockRequest? _current;
    private ulong _sectorsDone;
    private uint _sectorsUnderWay;
    private bool _isFlushing;
    private bool _isDead = true;
    private Deadline _deadline;

    /// <summary>For derived classes. <paramref name="boundary"/> is what <see cref="AtaScatterList"/> wants.</summary>
    protected AtaDisk(TimeSource time, DiskKind kind, uint unit, ulong boundary) : base(time)
    {
        Identity = new DiskIdentity(kind, unit);
        Memory = new AtaScatterList(boundary);
    }

    /// <summary>What the disk says about itself.</summary>
    public DiskIdentity Identity { get; }

    /// <inheritdoc/>
    public sealed override uint SectorSize => _data.SectorSize;

    /// <inheritdoc/>
    public sealed override ulong SectorCount => _data.SectorCount;

    /// <inheritdoc/>
    public sealed override uint MaxTransferSectors => MaxTransferBytes / _data.SectorSize;

    /// <inheritdoc/>
    public sealed override bool CanWriteZeroes => false;

    /// <summary>Bytes that move at a time in programmed I/O.</summary>
    protected uint PioBytes => _data.SectorSize == 0 ? AtaIdentifyData.Bytes : _data.SectorSize;

    /// <summary>The memory of the command that is about to start or under way.</summary>
    protected AtaScatterList Memory { get; }

    /// <inheritdoc/>
    public sealed override void Poll()
    {
        if (_current is null)
            return;
        Status status = PollCommand();
        if (status == Status.Pending)
        {
            if (_deadline.HasPassed)
                Fail(Status.Timeout);
        }
        else if (status == Status.Ok)
        {
            Advance(_current);
        }
        else
        {
            Fail(Status.DeviceError);
        }
    }

    /// <inheritdoc/>
    public sealed override void AbortAll(Status status)
    {
        _isDead = true;
        bool works = Recover() == Status.Ok;
        CompleteAll(status);
        _isDead = !works;
    }

    /// <summary>Writes the disk's cache to the medium and leaves the controller quiet. What is still in flight is aborted.</summary>
    public Status Shutdown()
    {
        Status status = Status.Ok;
        if (!_isDead)
        {
            if (_current is not null)
                AbortAll(Status.Aborted);
            if (!_isDead && _data.HasFlush)
                status = Execute(Flush(), TimeLimitNanoseconds);
        }
        _isDead = true;
        CompleteAll(Status.Aborted);
        Status stopped = Stop();
        return status == Status.Ok ? stopped : status;
    }

    /// <summary>For derived classes, when commands can be sent: asks the disk who it is. <paramref name="page"/> is scratch memory that the controller reaches.</summary>
    protected Status Identify(byte* page)
    {
        Memory.Set(page, AtaIdentifyData.Bytes);
        var command = new AtaTaskFile { Command = AtaCommand.IdentifyDevice, Protocol = AtaProtocol.PioIn };
        Status status = Execute(command, IdentifyLimitNanoseconds);
        if (status == Status.Ok)
            status = _data.Parse(new ReadOnlySpan<byte>(page, AtaIdentifyData.Bytes), Identity);
        _isDead = status != Status.Ok;
        return status;
    }

    /// <summary>Whether read and write commands are to use DMA; otherwise programmed I/O.</summary>
    protected abstract bool CanUseDma { get; }

    /// <summary>Sends a command, with the data in <see cref="Memory"/>; it is never sent while another one is under way.</summary>
    protected abstract void StartCommand(in AtaTaskFile command);

    /// <summary>How the command goes. Stops the transfer when it is over. <see cref="Status.Pending"/>: not yet.</summary>
    protected abstract Status PollCommand();

    /// <summary>Stops whatever is under way, without fail, and makes the disk take commands again if possible.</summary>
    protected abstract Status Recover();

    /// <summary>Leaves the controller quiet. No command is under way.</summary>
    protected abstract Status Stop();

    /// <inheritdoc/>
    protected sealed override void Start(BlockRequest request)
    {
        if (_isDead)
        {
            request.Complete(Status.DeviceError);
            return;
        }
        switch (request.Operation)
        {
            case BlockOperation.Discard:
            case BlockOperation.Flush when !_data.HasFlush:
                request.Complete(Status.Ok);
                return;
            case BlockOperation.WriteZeroes:
                request.Complete(Status.Unsupported);
                return;
        }
        _waiting.Add(request);
        if (_current is null)
            StartNext();
    }

    private Status Execute(in AtaTaskFile command, ulong limit)
    {
        StartCommand(command);
        var deadline = new Deadline(Time, limit);
        Status status = PollCommand();
        while (status == Status.Pending && !deadline.HasPassed)
            status = PollCommand();
        if (status == Status.Ok)
            return Status.Ok;
        Recover();
        return status == Status.Pending ? Status.Timeout : Status.DeviceError;
    }

    private void StartNext()
    {
        _current = _waiting.Take();
        _sectorsDone = 0;
        if (_current is null)
            return;
        if (_current.Operation == BlockOperation.Flush)
            StartFlush();
        else
            StartTransfer(_current);
    }

    private void StartFlush()
    {
        _isFlushing = true;
        Send(Flush());
    }

    private AtaTaskFile Flush() => new()
    {
        Command = _data.HasFlushExt ? AtaCommand.FlushCacheExt : AtaCommand.FlushCache,
        Is48 = _data.HasFlushExt,
        Protocol = AtaProtocol.NoData,
    };

    private void StartTransfer(BlockRequest request)
    {
        ulong left = request.SectorCount - _sectorsDone;
        // 28-bit commands take 256 sectors at most: as many as the memory of a command, with sectors of 512 bytes.
        _sectorsUnderWay = (uint)Math.Min(left, Math.Min(AtaScatterList.MaxBytes / _data.SectorSize, 256));
        Memory.Build(request, _sectorsDone * _data.SectorSize, _sectorsUnderWay * _data.SectorSize);
        bool write = request.Operation == BlockOperation.Write;
        var command = new AtaTaskFile
        {
            Lba = request.FirstSector + _sectorsDone,
            Count = (ushort)_sectorsUnderWay,
            Is48 = _data.Has48,
        };
        if (CanUseDma && _data.HasDma)
        {
            command.Protocol = write ? AtaProtocol.DmaOut : AtaProtocol.DmaIn;
            if (!_data.Has48)
                command.Command = write ? AtaCommand.WriteDma : AtaCommand.ReadDma;
            else if (write)
                command.Command = IsForced(request) ? AtaCommand.WriteDmaFuaExt : AtaCommand.WriteDmaExt;
            else
                command.Command = AtaCommand.ReadDmaExt;
        }
        else
        {
            command.Protocol = write ? AtaProtocol.PioOut : AtaProtocol.PioIn;
            if (_data.Has48)
                command.Command = write ? AtaCommand.WriteSectorsExt : AtaCommand.ReadSectorsExt;
            else
                command.Command = write ? AtaCommand.WriteSectors : AtaCommand.ReadSectors;
        }
        _isFlushing = false;
        Send(command);
    }

    /// <summary>Whether the write commands themselves go to the medium.</summary>
    private bool IsForced(BlockRequest request) =>
        request.ForceUnitAccess && _data.HasForceUnitAccess && CanUseDma && _data.HasDma;

    private void Send(in AtaTaskFile command)
    {
        _deadline = new Deadline(Time, TimeLimitNanoseconds);
        StartCommand(command);
    }

    /// <summary>The command has succeeded: sends the request's next one, or completes it.</summary>
    private void Advance(BlockRequest request)
    {
        if (!_isFlushing)
        {
            if (request.Operation == BlockOperation.Read)
                Memory.CopyBack();
            _sectorsDone += _sectorsUnderWay;
            if (_sectorsDone < request.SectorCount)
            {
                StartTransfer(request);
                return;
            }
            bool owesFlush = request.Operation == BlockOperation.Write && request.ForceUnitAccess && !IsForced(request);
            if (owesFlush && _data.HasFlush)
            {
                StartFlush();
                return;
            }
        }
        StartNext();
        request.Complete(Status.Ok);
    }

    /// <summary>The command has failed: the disk is made ready again, and the other requests go on if that works.</summary>
    private void Fail(Status status)
    {
        BlockRequest failed = _current!;
        _isDead = Recover() != Status.Ok;
        _current = null;
        if (!_isDead)
            StartNext();
        failed.Complete(status);
        if (_isDead)
            CompleteAll(Status.DeviceError);
    }

    private void CompleteAll(Status status)
    {
        BlockRequest? request = _current;
        _current = null;
        request?.Complete(status);
        for (request = _waiting.Take(); request is not null; request = _waiting.Take())
            request.Complete(status);
    }
}
