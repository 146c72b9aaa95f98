using System;
using System.Buffers.Binary;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>Carries out the admin command set (NVM Express 1.4, chapter 5).</summary>
internal sealed class AdminCommands
{
    private const int VendorSlots = 4;
    private const uint Contiguous = 1;
    private const uint InterruptsEnabled = 1 << 1;
    private const uint RetainEvent = 1 << 15;
    private const uint NotAborted = 1;

    private readonly VirtualNvmeController _controller;
    private readonly NvmeIdentity _identity;
    private readonly VendorCommands _vendor;
    private readonly VendorCommand[] _vendorSlots = new VendorCommand[VendorSlots];
    private readonly GuestBuffer _buffer = new();
    private readonly byte[] _page = new byte[PageSize.Small];
    private VendorCommand? _executing;

    public AdminCommands(VirtualNvmeController controller, NvmeIdentity identity, VendorCommands vendor, FeatureSet features)
    {
        _controller = controller;
        _identity = identity;
        _vendor = vendor;
        Features = features;
        for (int i = 0; i < VendorSlots; i++)
            _vendorSlots[i] = new VendorCommand(this);
    }

    public FeatureSet Features { get; }

    public AsyncEvents Events { get; } = new();

    public LogPages Logs { get; } = new();

    /// <summary>Controller reset: nothing that waits will ever be answered.</summary>
    public void Reset()
    {
        for (int i = 0; i < VendorSlots; i++)
            Cancel(_vendorSlots[i]);
        Events.Reset();
        Features.Reset();
    }

    /// <summary>Takes over the state of the VM that this one is a fork of, in <see cref="VirtualNvmeController.Memory"/> of its own.</summary>
    public void CopyFrom(AdminCommands other)
    {
        Reset();
        Features.CopyFrom(other.Features);
        Events.CopyFrom(other.Events);
        Logs.CopyFrom(other.Logs);
        for (int i = 0; i < VendorSlots; i++)
        {
            _vendorSlots[i].CopyFrom(other._vendorSlots[i], _controller.Memory);
            if (_vendorSlots[i].IsPending)
                _vendor.Adopt(_vendorSlots[i]);
        }
    }

    /// <summary>The VM's memory has become another one.</summary>
    public void Rebind()
    {
        for (int i = 0; i < VendorSlots; i++)
            _vendorSlots[i].Data.Rebind(_controller.Memory);
    }

    /// <summary>Carries out a command, for which a completion has been reserved.</summary>
    public void Execute(in NvmeCommand command)
    {
        uint result = 0;
        ushort status;
        if (command.Fuse != 0 || command.DataPointerType != 0)
        {
            Complete(command, NvmeStatus.InvalidField, 0);
            return;
        }
        switch (command.Opcode)
        {
            case NvmeAdminOpcode.AsyncEventRequest:
                if (Events.TryHold(command.CommandId))
                {
                    _controller.HoldAdminCommand();
                    PostHeld();
                    return;
                }
                status = NvmeStatus.AsyncEventLimitExceeded;
                break;
            case NvmeAdminOpcode.DeleteSubmissionQueue:
                status = DeleteSubmissionQueue(command, out bool later);
                if (later)
                    return;
                break;
            case NvmeAdminOpcode.CreateSubmissionQueue:
                status = CreateSubmissionQueue(command);
                break;
            case NvmeAdminOpcode.DeleteCompletionQueue:
                status = DeleteCompletionQueue(command);
                break;
            case NvmeAdminOpcode.CreateCompletionQueue:
                status = CreateCompletionQueue(command);
                break;
            case NvmeAdminOpcode.GetLogPage:
                status = GetLogPage(command);
                break;
            case NvmeAdminOpcode.Identify:
                status = Identify(command);
                break;
            case NvmeAdminOpcode.Abort:
                status = Abort(command, out result);
                break;
            case NvmeAdminOpcode.SetFeatures:
                status = Features.Set(command, _controller.HasIoQueues, out result);
                break;
            case NvmeAdminOpcode.GetFeatures:
                status = Features.Get(command, out result);
                break;
            case >= NvmeAdminOpcode.VendorFirst:
                ExecuteVendor(command);
                return;
            default:
                status = NvmeStatus.InvalidOpcode;
                break;
        }
        Complete(command, status, result);
    }

    /// <summary>Posts what has been waiting for an event or an answer, as far as the completion queue has room.</summary>
    public void PostHeld()
    {
        while (Events.CanTake && _controller.ResumeAdminCommand())
        {
            Events.TryTake(out ushort commandId, out uint result);
            _controller.CompleteAdmin(commandId, NvmeStatus.Success, result);
        }
        for (int i = 0; i < VendorSlots; i++)
        {
            VendorCommand slot = _vendorSlots[i];
            if (!slot.IsAnswered || !_controller.ResumeAdminCommand())
                continue;
            slot.Free();
            _controller.CompleteAdmin(slot.Command.CommandId, slot.Status, slot.Result);
        }
    }

    /// <summary>A vendor command has been answered, maybe from within its own execution.</summary>
    public void VendorAnswered()
    {
        if (_executing == null)
            _controller.Process();
    }

    private void Complete(in NvmeCommand command, ushort status, uint result)
    {
        if (status != NvmeStatus.Success)
            Logs.AddError(0, command.CommandId, status, command.NamespaceId, 0);
        _controller.CompleteAdmin(command.CommandId, status, result);
    }

    private ushort CreateCompletionQueue(in NvmeCommand command)
    {
        uint id = command.Dword10 & 0xFFFF;
        uint size = (command.Dword10 >> 16) + 1;
        ushort vector = (ushort)(command.Dword11 >> 16);
        if (id == 0 || id > VirtualNvmeController.MaxIoQueues || _controller.CompletionQueueAt(id).Exists)
            return NvmeStatus.InvalidQueueId;
        if (size < 2 || size > VirtualNvmeController.MaxQueueEntries || !_controller.HasCompletionEntrySize)
            return NvmeStatus.InvalidQueueSize;
        if ((command.Dword11 & Contiguous) == 0)
            return NvmeStatus.InvalidField;
        var address = new GuestPhysical(command.Prp1);
        if (address.PageOffset != 0)
            return NvmeStatus.InvalidPrpOffset;
        if (vector >= _controller.VectorCount)
            return NvmeStatus.InvalidInterruptVector;
        _controller.CompletionQueueAt(id).Create(address, size, (command.Dword11 & InterruptsEnabled) != 0, vector);
        return NvmeStatus.Success;
    }

    private ushort CreateSubmissionQueue(in NvmeCommand command)
    {
        uint id = command.Dword10 & 0xFFFF;
        uint size = (command.Dword10 >> 16) + 1;
        uint completionId = command.Dword11 >> 16;
        if (id == 0 || id > VirtualNvmeController.MaxIoQueues || _controller.SubmissionQueueAt(id).Exists)
            return NvmeStatus.InvalidQueueId;
        if (completionId == 0 || completionId > VirtualNvmeController.MaxIoQueues)
            return NvmeStatus.InvalidQueueId;
        CompletionQueue completion = _controller.CompletionQueueAt(completionId);
        if (!completion.Exists)
            return NvmeStatus.CompletionQueueInvalid;
        if (size < 2 || size > VirtualNvmeController.MaxQueueEntries || !_controller.HasSubmissionEntrySize)
            return NvmeStatus.InvalidQueueSize;
        if ((command.Dword11 & Contiguous) == 0)
            return NvmeStatus.InvalidField;
        var address = new GuestPhysical(command.Prp1);
        if (address.PageOffset != 0)
            return NvmeStatus.InvalidPrpOffset;
        _controller.SubmissionQueueAt(id).Create(address, size, (ushort)completionId);
        completion.Users++;
        return NvmeStatus.Success;
    }

    private ushort DeleteSubmissionQueue(in NvmeCommand command, out bool later)
    {
        later = false;
        uint id = command.Dword10 & 0xFFFF;
        if (id == 0 || id > VirtualNvmeController.MaxIoQueues)
            return NvmeStatus.InvalidQueueId;
        SubmissionQueue queue = _controller.SubmissionQueueAt(id);
        if (!queue.Exists || queue.IsDeleting)
            return NvmeStatus.InvalidQueueId;
        if (queue.InFlight != 0)
        {
            queue.IsDeleting = true;
            queue.DeletionCommandId = command.CommandId;
            later = true;
            return NvmeStatus.Success;
        }
        _controller.DeleteSubmissionQueue(queue);
        return NvmeStatus.Success;
    }

    private ushort DeleteCompletionQueue(in NvmeCommand command)
    {
        uint id = command.Dword10 & 0xFFFF;
        if (id == 0 || id > VirtualNvmeController.MaxIoQueues || !_controller.CompletionQueueAt(id).Exists)
            return NvmeStatus.InvalidQueueId;
        CompletionQueue queue = _controller.CompletionQueueAt(id);
        if (queue.Users != 0)
            return NvmeStatus.InvalidQueueDeletion;
        queue.Delete();
        return NvmeStatus.Success;
    }

    private ushort Identify(in NvmeCommand command)
    {
        Span<byte> page = _page;
        page.Clear();
        uint id = command.NamespaceId;
        VirtualNamespace? ns = _controller.FindNamespace(id);
        switch ((byte)command.Dword10)
        {
            case NvmeIdentify.Namespace:
                if (!VirtualNvmeController.IsNamespaceId(id))
                    return NvmeStatus.InvalidNamespace;
                if (ns != null)
                    IdentifyData.WriteNamespace(page, ns);
                break;
            case NvmeIdentify.Controller:
                IdentifyData.WriteController(page, _identity, _controller.TransferShift, VirtualNvmeController.MaxNamespaces);
                break;
            case NvmeIdentify.ActiveNamespaces:
                if (id >= NvmeCommand.AllNamespaces - 1)
                    return NvmeStatus.InvalidNamespace;
                WriteActiveNamespaces(page, id);
                break;
            case NvmeIdentify.NamespaceDescriptors:
                if (ns == null)
                    return NvmeStatus.InvalidNamespace;
                IdentifyData.WriteDescriptors(page, ns);
                break;
            default:
                return NvmeStatus.InvalidField;
        }
        return Send(command, page, 0, NvmeIdentify.Bytes);
    }

    private void WriteActiveNamespaces(Span<byte> to, uint above)
    {
        int at = 0;
        for (uint id = 1; id <= VirtualNvmeController.MaxNamespaces; id++)
        {
            if (id <= above || _controller.FindNamespace(id) == null)
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(to.Slice(at), id);
            at += sizeof(uint);
        }
    }

    private ushort GetLogPage(in NvmeCommand command)
    {
        byte id = (byte)command.Dword10;
        ulong bytes = ((command.Dword10 >> 16 | (ulong)(command.Dword11 & 0xFFFF) << 16) + 1) * sizeof(uint);
        ulong offset = command.Dword12 | (ulong)command.Dword13 << 32;
        Span<byte> page = _page;
        page.Clear();
        int length = Logs.Write(id, _identity.Firmware, page);
        if (length == 0)
            return NvmeStatus.InvalidLogPage;
        if (bytes > _controller.MaxTransferBytes || (offset & 3) != 0 || offset > (ulong)length)
            return NvmeStatus.InvalidField;
        ushort status = Send(command, page.Slice(0, length), (int)offset, (uint)bytes);
        if (status != NvmeStatus.Success)
            return status;
        if (id == NvmeLogPage.ChangedNamespaces)
            Logs.ForgetChangedNamespaces();
        if ((command.Dword10 & RetainEvent) == 0)
            Events.LogPageRead(id);
        return NvmeStatus.Success;
    }

    /// <summary>Sends <paramref name="bytes"/> bytes of <paramref name="data"/> from <paramref name="offset"/> on to the guest, zeroes after its end.</summary>
    private ushort Send(in NvmeCommand command, ReadOnlySpan<byte> data, int offset, uint bytes)
    {
        ushort status = _buffer.Map(_controller.Memory, command, bytes);
        if (status != NvmeStatus.Success)
            return status;
        ReadOnlySpan<byte> part = data.Slice(offset);
        if (part.Length > bytes)
            part = part.Slice(0, (int)bytes);
        bool sent = _buffer.TryWrite(0, part) && _buffer.TryClear((uint)part.Length, bytes - (uint)part.Length);
        return sent ? NvmeStatus.Success : NvmeStatus.DataTransferError;
    }

    private ushort Abort(in NvmeCommand command, out uint result)
    {
        result = NotAborted;
        ushort commandId = (ushort)(command.Dword10 >> 16);
        if ((command.Dword10 & 0xFFFF) != 0)
            return NvmeStatus.Success;
        // The aborted command completes too, just before this one; without room for that it is not aborted.
        if (!_controller.ResumeAdminCommand())
            return NvmeStatus.Success;
        bool found = Events.TryAbort(commandId);
        for (int i = 0; i < VendorSlots && !found; i++)
        {
            VendorCommand slot = _vendorSlots[i];
            if (!slot.IsPending || slot.Command.CommandId != commandId)
                continue;
            Cancel(slot);
            found = true;
        }
        if (found)
            _controller.CompleteAdmin(commandId, NvmeStatus.AbortRequested, 0);
        else
            _controller.HoldAdminCommand();
        result = found ? 0 : NotAborted;
        return NvmeStatus.Success;
    }

    private void ExecuteVendor(in NvmeCommand command)
    {
        ulong bytes = (ulong)command.Dword10 * sizeof(uint);
        VendorCommand? slot = FreeVendorSlot();
        if (slot == null)
        {
            Complete(command, NvmeStatus.InternalError, 0);
            return;
        }
        ushort status = bytes > _controller.MaxTransferBytes
            ? NvmeStatus.InvalidField
            : slot.Begin(_controller.Memory, command, (uint)bytes);
        if (status != NvmeStatus.Success)
        {
            Complete(command, status, 0);
            return;
        }
        _executing = slot;
        _vendor.Execute(slot);
        _executing = null;
        if (slot.IsAnswered)
        {
            slot.Free();
            Complete(command, slot.Status, slot.Result);
        }
        else
        {
            _controller.HoldAdminCommand();
        }
    }

    private VendorCommand? FreeVendorSlot()
    {
        for (int i = 0; i < VendorSlots; i++)
        {
            if (_vendorSlots[i].IsFree)
                return _vendorSlots[i];
        }
        return null;
    }

    private void Cancel(VendorCommand slot)
    {
        bool pending = slot.IsPending;
        slot.Free();
        if (pending)
            _vendor.Cancel(slot);
    }
}
