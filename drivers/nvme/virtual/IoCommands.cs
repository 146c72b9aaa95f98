using System;
using System.Buffers.Binary;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>Carries out the NVM command set (NVM Express 1.4, chapter 6) on the namespaces' block devices.</summary>
internal sealed class IoCommands
{
    /// <summary>How many commands can be under way.</summary>
    public const int Slots = 32;

    private const int RangeBytes = 16;

    private readonly VirtualNvmeController _controller;
    private readonly LogPages _logs;
    private readonly FeatureSet _features;
    private readonly GuestBuffer _ranges = new();
    private readonly byte[] _range = new byte[RangeBytes];
    private IoSlot? _free;

    public IoCommands(VirtualNvmeController controller, LogPages logs, FeatureSet features, uint maxTransferBytes)
    {
        _controller = controller;
        _logs = logs;
        _features = features;
        int segments = (int)(maxTransferBytes / PageSize.Small) + 1;
        for (int i = 0; i < Slots; i++)
            _free = new IoSlot(this, segments) { Next = _free };
    }

    /// <summary>How many commands are under way.</summary>
    public int InFlight { get; private set; }

    /// <summary>Whether <see cref="Execute"/> may be called.</summary>
    public bool HasFreeSlot => _free != null;

    /// <summary>Starts a command, for which a completion has been reserved.</summary>
    public void Execute(SubmissionQueue queue, in NvmeCommand command)
    {
        IoSlot slot = _free!;
        slot.Queue = queue;
        slot.Command = command;
        slot.Steps = 1;
        slot.Step = 0;
        slot.Outcome = Status.Ok;
        ushort status = Prepare(slot);
        if (status != NvmeStatus.Success)
        {
            _controller.CompleteIo(queue, command, status);
            return;
        }
        _free = slot.Next;
        slot.Next = null;
        InFlight++;
        Advance(slot);
    }

    /// <summary>Submits the slot's requests until one of them takes its time, or all are done. A loop, so that the stack stays flat.</summary>
    public void Advance(IoSlot slot)
    {
        if (slot.IsAdvancing)
            return;
        slot.IsAdvancing = true;
        ushort status = NvmeStatus.Success;
        bool done = false;
        while (!done && !slot.IsWaiting)
        {
            if (slot.Outcome == Status.Ok)
                status = TakeStep(slot, out done);
            else
                status = Translate(slot.Outcome, slot.Request.Operation);
            done |= status != NvmeStatus.Success;
        }
        slot.IsAdvancing = false;
        if (done)
            Finish(slot, status);
    }

    private void Finish(IoSlot slot, ushort status)
    {
        if (status == NvmeStatus.Success)
            Count(slot.Request);
        InFlight--;
        slot.Next = _free;
        _free = slot;
        _controller.CompleteIo(slot.Queue!, slot.Command, status);
    }

    private void Count(BlockRequest request)
    {
        if (request.Operation == BlockOperation.Read)
            _logs.CountRead(request.SegmentBytes);
        else if (request.Operation == BlockOperation.Write)
            _logs.CountWrite(request.SegmentBytes);
    }

    private ushort TakeStep(IoSlot slot, out bool done)
    {
        done = slot.Step == slot.Steps || _controller.IsResetting;
        if (done)
            return NvmeStatus.Success;
        int step = slot.Step++;
        if (slot.Command.Opcode == NvmeIoOpcode.DatasetManagement)
        {
            ushort status = PrepareDiscard(slot, step, out bool empty);
            if (status != NvmeStatus.Success || empty)
                return status;
        }
        slot.IsWaiting = true;
        slot.Namespace!.Device!.Submit(slot.Request);
        return NvmeStatus.Success;
    }

    private ushort Prepare(IoSlot slot)
    {
        ref readonly NvmeCommand command = ref slot.Command;
        if (command.Opcode is not (NvmeIoOpcode.Flush or NvmeIoOpcode.Read or NvmeIoOpcode.Write or NvmeIoOpcode.WriteZeroes
            or NvmeIoOpcode.DatasetManagement))
            return NvmeStatus.InvalidOpcode;
        if (command.Fuse != 0 || command.DataPointerType != 0)
            return NvmeStatus.InvalidField;
        uint id = command.NamespaceId;
        if (command.Opcode == NvmeIoOpcode.Flush && id == NvmeCommand.AllNamespaces)
            id = VirtualNvmeController.MainNamespace;
        slot.Namespace = _controller.FindNamespace(id);
        if (slot.Namespace == null)
            return VirtualNvmeController.IsNamespaceId(id) ? NvmeStatus.InvalidField : NvmeStatus.InvalidNamespace;
        switch (command.Opcode)
        {
            case NvmeIoOpcode.Flush:
                slot.Request.Prepare(BlockOperation.Flush, 0, 0);
                return NvmeStatus.Success;
            case NvmeIoOpcode.Read:
                return PrepareTransfer(slot, BlockOperation.Read);
            case NvmeIoOpcode.Write:
                return PrepareTransfer(slot, BlockOperation.Write);
            case NvmeIoOpcode.WriteZeroes:
                return PrepareRange(slot, BlockOperation.WriteZeroes, out _);
            default:
                return PrepareDatasetManagement(slot);
        }
    }

    /// <summary>The range of Read, Write and Write Zeroes.</summary>
    private ushort PrepareRange(IoSlot slot, BlockOperation operation, out uint sectors)
    {
        VirtualNamespace ns = slot.Namespace!;
        ulong first = slot.Command.StartingLba;
        sectors = (slot.Command.Dword12 & 0xFFFF) + 1;
        if (operation != BlockOperation.Read && ns.IsReadOnly)
            return NvmeStatus.NamespaceWriteProtected;
        if (!IsInRange(ns, first, sectors))
            return NvmeStatus.LbaOutOfRange;
        slot.Request.Prepare(operation, first, sectors);
        slot.Request.ForceUnitAccess = operation != BlockOperation.Read
            && ((slot.Command.Dword12 & NvmeCommand.ForceUnitAccess) != 0 || !_features.WriteCacheEnabled);
        return NvmeStatus.Success;
    }

    private unsafe ushort PrepareTransfer(IoSlot slot, BlockOperation operation)
    {
        ushort status = PrepareRange(slot, operation, out uint sectors);
        if (status != NvmeStatus.Success)
            return status;
        ulong bytes = (ulong)sectors << slot.Namespace!.SectorShift;
        if (bytes > _controller.MaxTransferBytes)
            return NvmeStatus.InvalidField;
        var walker = new PrpWalker(_controller.Memory, slot.Command.Prp1, slot.Command.Prp2, bytes);
        while (!walker.IsAtEnd)
        {
            status = walker.Next(out GuestPhysical address, out uint length);
            if (status != NvmeStatus.Success)
                return status;
            byte* page = _controller.Memory.Page(address, write: operation == BlockOperation.Read);
            if (page == null)
                return NvmeStatus.DataTransferError;
            bool added = slot.Request.AddSegment(new HostPhysical((ulong)(page + address.PageOffset)), length);
            Invariant.Holds(added, "a PRP list fits a block request");
        }
        return NvmeStatus.Success;
    }

    private ushort PrepareDatasetManagement(IoSlot slot)
    {
        uint ranges = (slot.Command.Dword10 & 0xFF) + 1;
        slot.Steps = 0;
        if ((slot.Command.Dword11 & NvmeCommand.Deallocate) == 0)
            return NvmeStatus.Success;
        if (slot.Namespace!.IsReadOnly)
            return NvmeStatus.NamespaceWriteProtected;
        slot.Steps = (int)ranges;
        return _ranges.Map(_controller.Memory, slot.Command, ranges * RangeBytes);
    }

    /// <summary>Reads one range, once, and makes a request of it.</summary>
    private ushort PrepareDiscard(IoSlot slot, int index, out bool empty)
    {
        empty = false;
        Span<byte> range = _range;
        ushort status = _ranges.Map(_controller.Memory, slot.Command, (uint)slot.Steps * RangeBytes);
        if (status != NvmeStatus.Success)
            return status;
        if (!_ranges.TryRead((uint)index * RangeBytes, range))
            return NvmeStatus.DataTransferError;
        uint sectors = BinaryPrimitives.ReadUInt32LittleEndian(range.Slice(4));
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(range.Slice(8));
        empty = sectors == 0;
        if (empty)
            return NvmeStatus.Success;
        if (!IsInRange(slot.Namespace!, first, sectors))
            return NvmeStatus.LbaOutOfRange;
        slot.Request.Prepare(BlockOperation.Discard, first, sectors);
        return NvmeStatus.Success;
    }

    private static bool IsInRange(VirtualNamespace ns, ulong first, uint sectors)
    {
        ulong end = ns.Device!.SectorCount;
        return sectors <= end && first <= end - sectors;
    }

    private static ushort Translate(Status outcome, BlockOperation operation)
    {
        switch (outcome)
        {
            case Status.Aborted:
                return NvmeStatus.AbortRequested;
            case Status.WriteProtected:
                return NvmeStatus.ReadOnlyRange;
            case Status.DeviceError or Status.Timeout when operation == BlockOperation.Read:
                return NvmeStatus.UnrecoveredReadError;
            case Status.DeviceError or Status.Timeout when operation != BlockOperation.Flush:
                return NvmeStatus.WriteFault;
            default:
                return NvmeStatus.InternalError;
        }
    }
}
