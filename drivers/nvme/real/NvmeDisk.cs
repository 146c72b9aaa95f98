using System;
using System.Buffers.Binary;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Drivers.Nvme.Real;

/// <summary>One namespace of a real NVMe controller. Every segment list that a <see cref="BlockRequest"/> takes goes to the controller as it is, without copying.</summary>
/// <remarks>See <see cref="NvmeController"/> for what the caller does with the PCI function before.</remarks>
public sealed unsafe class NvmeDisk : BlockDevice
{
    /// <summary>The longest transfer in bytes, even if the controller could do more.</summary>
    public const uint MaxTransferBytes = 1u << 20;

    // A transfer that does not start at a page boundary touches one page more; the first page is named in the command.
    private const int ListEntries = (int)(MaxTransferBytes / PageSize.Small);
    private const int ListsPerPage = (int)PageSize.Small / (ListEntries * sizeof(ulong));
    private const int Slots = NvmeQueue.MaxEntries - 1;

    private readonly NvmeController _controller;
    private readonly uint _namespaceId;
    private readonly BlockRequest?[] _inFlight = new BlockRequest?[Slots];
    private readonly byte[] _freeSlots = new byte[Slots];
    private readonly ulong[] _lists = new ulong[Slots];
    private BlockQueue _waiting;
    private int _freeCount;
    private int _usableSlots;
    private uint _sectorSize;
    private ulong _sectorCount;
    private uint _maxTransferSectors;
    private bool _hasWriteCache;
    private bool _hasWriteZeroes;
    private bool _hasDiscard;
    private bool _isDead = true;
    private Deadline _watch;

    /// <summary>
    /// Drives namespace <paramref name="namespaceId"/> (1 on nearly every disk) of the controller with the register BAR
    /// <paramref name="registers"/>. Allocates: at boot only. Nothing works before <see cref="Initialize"/>.
    /// </summary>
    public NvmeDisk(MmioDevice registers, TimeSource time, uint namespaceId) : base(time)
    {
        _controller = new NvmeController(registers, time);
        _namespaceId = namespaceId;
        Identity = new DiskIdentity(DiskKind.Nvme, namespaceId);
    }

    /// <summary>What the disk says about itself.</summary>
    public DiskIdentity Identity { get; }

    /// <inheritdoc/>
    public override uint SectorSize => _sectorSize;

    /// <inheritdoc/>
    public override ulong SectorCount => _sectorCount;

    /// <inheritdoc/>
    public override uint MaxTransferSectors => _maxTransferSectors;

    /// <inheritdoc/>
    public override bool CanWriteZeroes => _hasWriteZeroes;

    /// <summary>
    /// Takes memory, resets the controller from whatever state firmware left it in, and finds out about the disk. At boot only.
    /// <see cref="Status.NotFound"/>: no such controller or namespace. <see cref="Status.Unsupported"/>: a sector size or format that Hv does not use.
    /// </summary>
    public Status Initialize(PageSource pages)
    {
        Status status = _controller.Allocate(pages);
        if (status != Status.Ok)
            return status;
        byte* page = null;
        for (int slot = 0; slot < Slots; slot++)
        {
            int part = slot % ListsPerPage;
            if (part == 0 && (page = pages.TakePage()) == null)
                return Status.OutOfMemory;
            _lists[slot] = (ulong)((ulong*)page + part * ListEntries);
        }
        status = Restart();
        if (status == Status.Ok)
            status = IdentifyController();
        if (status == Status.Ok)
            status = IdentifyNamespace();
        _isDead = status != Status.Ok;
        return status;
    }

    /// <inheritdoc/>
    public override void Poll()
    {
        if (_isDead)
            return;
        bool any = false;
        while (!_isDead && _controller.Io.TryTake(out NvmeCompletion completion))
        {
            any = true;
            Finish(completion);
        }
        if (_isDead)
            return;
        if (any)
        {
            _controller.Io.Acknowledge();
            _watch = new Deadline(Time, TimeLimitNanoseconds);
        }
        else if (_freeCount != _usableSlots && _watch.HasPassed)
        {
            AbortAll(Status.Timeout);
        }
    }

    /// <inheritdoc/>
    public override void AbortAll(Status status)
    {
        _controller.Disable();
        _isDead = true;
        CompleteAll(status);
        _isDead = Restart() != Status.Ok;
    }

    /// <inheritdoc/>
    public override Status PrepareForSleep() => Shutdown();

    /// <inheritdoc/>
    public override Status WakeUp()
    {
        Status status = Restart();
        _isDead = status != Status.Ok;
        return status;
    }

    /// <summary>Writes the disk's cache to the medium and leaves the controller reset and quiet. What is still in flight is aborted.</summary>
    public Status Shutdown()
    {
        Status status = _controller.Shutdown();
        _isDead = true;
        CompleteAll(Status.Aborted);
        return status;
    }

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        if (_isDead)
        {
            request.Complete(Status.DeviceError);
            return;
        }
        switch (request.Operation)
        {
            case BlockOperation.Flush when !_hasWriteCache:
            case BlockOperation.Discard when !_hasDiscard:
                request.Complete(Status.Ok);
                return;
            case BlockOperation.WriteZeroes when !_hasWriteZeroes:
                request.Complete(Status.Unsupported);
                return;
        }
        if (_freeCount == 0)
        {
            _waiting.Add(request);
            return;
        }
        if (_freeCount == _usableSlots)
            _watch = new Deadline(Time, TimeLimitNanoseconds);
        int slot = _freeSlots[--_freeCount];
        _inFlight[slot] = request;
        Issue(slot, request);
    }

    private Status Restart()
    {
        Status status = _controller.Start();
        if (status != Status.Ok)
            return status;
        _usableSlots = _controller.Io.Entries - 1;
        _freeCount = _usableSlots;
        for (int slot = 0; slot < _usableSlots; slot++)
        {
            _freeSlots[slot] = (byte)slot;
            _inFlight[slot] = null;
        }
        return Status.Ok;
    }

    private Status IdentifyController()
    {
        Status status = _controller.Identify(NvmeIdentify.Controller, 0);
        if (status != Status.Ok)
            return status;
        ReadOnlySpan<byte> data = _controller.Data;
        Identity.Set(data.Slice(NvmeIdentify.ModelNumber), data.Slice(NvmeIdentify.SerialNumber), data.Slice(NvmeIdentify.FirmwareRevision));
        ushort optional = BinaryPrimitives.ReadUInt16LittleEndian(data.Slice(NvmeIdentify.OptionalNvmCommands));
        _hasWriteZeroes = (optional & NvmeIdentify.SupportsWriteZeroes) != 0;
        _hasDiscard = (optional & NvmeIdentify.SupportsDatasetManagement) != 0;
        _hasWriteCache = (data[NvmeIdentify.VolatileWriteCache] & NvmeIdentify.HasVolatileWriteCache) != 0;
        int shift = data[NvmeIdentify.MaximumDataTransfer];
        ulong most = shift == 0 || shift >= 20 ? MaxTransferBytes : Math.Min((ulong)PageSize.Small << shift, MaxTransferBytes);
        _maxTransferSectors = (uint)most;
        return Status.Ok;
    }

    private Status IdentifyNamespace()
    {
        Status status = _controller.Identify(NvmeIdentify.Namespace, _namespaceId);
        if (status != Status.Ok)
            return status == Status.DeviceError ? Status.NotFound : status;
        ReadOnlySpan<byte> data = _controller.Data;
        int format = NvmeIdentify.LbaFormat0 + 4 * (data[NvmeIdentify.FormattedLbaSize] & 0xF);
        uint descriptor = BinaryPrimitives.ReadUInt32LittleEndian(data.Slice(format));
        uint metadataBytes = descriptor & 0xFFFF;
        uint sectorShift = descriptor >> 16 & 0xFF;
        _sectorCount = BinaryPrimitives.ReadUInt64LittleEndian(data.Slice(NvmeIdentify.NamespaceSize));
        if (_sectorCount == 0)
            return Status.NotFound; // an inactive namespace is all zeroes
        if (metadataBytes != 0 || (sectorShift != 9 && sectorShift != 12))
            return Status.Unsupported;
        _sectorSize = 1u << (int)sectorShift;
        _maxTransferSectors >>= (int)sectorShift;
        return Status.Ok;
    }

    /// <summary>Sends the command; a request never needs more than one.</summary>
    private void Issue(int slot, BlockRequest request)
    {
        ulong first = request.FirstSector;
        ulong count = request.SectorCount;
        var command = new NvmeCommand(0, (ushort)slot, _namespaceId);
        switch (request.Operation)
        {
            case BlockOperation.Read:
            case BlockOperation.Write:
                bool write = request.Operation == BlockOperation.Write;
                SetRange(ref command, write ? NvmeIoOpcode.Write : NvmeIoOpcode.Read, first, count, write && request.ForceUnitAccess);
                bool fits = NvmePrp.Build(request.Segments, (ulong*)_lists[slot], ListEntries, out command.Prp1, out command.Prp2);
                Invariant.Holds(fits, "an NVMe transfer within the limit does not fit its PRP list");
                break;
            case BlockOperation.WriteZeroes:
                SetRange(ref command, NvmeIoOpcode.WriteZeroes, first, count, request.ForceUnitAccess);
                break;
            case BlockOperation.Discard:
                command.Dword0 |= NvmeIoOpcode.DatasetManagement;
                command.Dword11 = NvmeCommand.Deallocate;
                command.Prp1 = _lists[slot];
                ulong* range = (ulong*)_lists[slot];
                range[0] = count << 32; // context attributes in the lower half
                range[1] = first;
                break;
            default:
                command.Dword0 |= NvmeIoOpcode.Flush;
                break;
        }
        _controller.Io.Submit(command);
    }

    private static void SetRange(ref NvmeCommand command, byte opcode, ulong first, ulong count, bool forceUnitAccess)
    {
        command.Dword0 |= opcode;
        command.Dword10 = (uint)first;
        command.Dword11 = (uint)(first >> 32);
        command.Dword12 = (uint)(count - 1) | (forceUnitAccess ? NvmeCommand.ForceUnitAccess : 0);
    }

    private void Finish(in NvmeCompletion completion)
    {
        int slot = completion.CommandId;
        BlockRequest? request = slot < _usableSlots ? _inFlight[slot] : null;
        if (request is null)
            return; // an answer to no question: a broken controller, or one that was reset
        bool succeeded = (completion.Status & NvmeStatus.CodeMask) == NvmeStatus.Success;
        // A hint that the controller does not take is not an error.
        if (request.Operation == BlockOperation.Discard && !succeeded)
            succeeded = true;
        _inFlight[slot] = null;
        _freeSlots[_freeCount++] = (byte)slot;
        BlockRequest? next = _waiting.Take();
        if (next is not null)
            Start(next);
        request.Complete(succeeded ? Status.Ok : Status.DeviceError);
    }

    private void CompleteAll(Status status)
    {
        for (int slot = 0; slot < Slots; slot++)
        {
            BlockRequest? request = _inFlight[slot];
            _inFlight[slot] = null;
            request?.Complete(status);
        }
        for (BlockRequest? request = _waiting.Take(); request is not null; request = _waiting.Take())
            request.Complete(status);
    }
}
