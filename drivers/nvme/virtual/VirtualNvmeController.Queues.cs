using Hv.Drivers.Nvme.Spec;

namespace Hv.Drivers.Nvme.Virtual;

/// <summary>The queue half: doorbells, taking commands round robin, completions, interrupts (NVM Express 1.4, chapters 4 and 7).</summary>
public sealed partial class VirtualNvmeController
{
    private const ushort NoCommand = 0xFFFF;

    private readonly SubmissionQueue[] _submissionQueues = new SubmissionQueue[MaxIoQueues + 1];
    private readonly CompletionQueue[] _completionQueues = new CompletionQueue[MaxIoQueues + 1];
    private int _nextQueue;
    private bool _paused;
    private bool _processing;
    private bool _intx;

    /// <summary>Whether an I/O queue exists.</summary>
    internal bool HasIoQueues
    {
        get
        {
            for (int i = 1; i <= MaxIoQueues; i++)
            {
                if (_submissionQueues[i].Exists || _completionQueues[i].Exists)
                    return true;
            }
            return false;
        }
    }

    /// <summary>
    /// How many commands one turn takes (at least 1), so that a guest with much to do does not keep the processor from others. What is left over is
    /// taken by the next doorbell or <see cref="Poll"/>.
    /// </summary>
    public int CommandsPerTurn { get; set; } = int.MaxValue;

    /// <summary>Whether the last turn ended with commands left over: <see cref="Poll"/> soon.</summary>
    public bool HasMore { get; private set; }

    private bool CanProcess => IsReady && (_status & NvmeRegisters.StatusFatal) == 0 && !IsResetting && !_paused && IsBusMaster;

    /// <summary>Completes what the block devices have finished, and takes more commands.</summary>
    public void Poll()
    {
        if (!IsBusy && !HasMore)
            return;
        PollDevices();
        Process();
    }

    /// <summary>Takes commands from all queues until they are empty, the turn is over, or no completion or block request is free; then raises interrupts.</summary>
    public void Process()
    {
        if (_processing)
            return;
        _processing = true;
        int left = CommandsPerTurn;
        bool more = true;
        while (more && left > 0 && CanProcess)
        {
            more = false;
            _admin.PostHeld();
            for (int i = 0; i <= MaxIoQueues && left > 0 && CanProcess; i++)
            {
                bool taken = TakeCommand(_submissionQueues[_nextQueue]);
                _nextQueue = (_nextQueue + 1) % (MaxIoQueues + 1);
                if (!taken)
                    continue;
                more = true;
                left--;
            }
        }
        HasMore = more && left <= 0;
        _processing = false;
        RaiseInterrupts();
    }

    internal SubmissionQueue SubmissionQueueAt(uint id) => _submissionQueues[id];

    internal CompletionQueue CompletionQueueAt(uint id) => _completionQueues[id];

    /// <summary>An admin command waits for an event: it gives back its completion, so that it does not keep others waiting.</summary>
    internal void HoldAdminCommand()
    {
        _completionQueues[0].Release();
        _submissionQueues[0].InFlight--;
    }

    /// <summary>An admin command that was held is about to complete. False if there is no room for its completion now.</summary>
    internal bool ResumeAdminCommand()
    {
        if (!_completionQueues[0].TryReserve())
            return false;
        _submissionQueues[0].InFlight++;
        return true;
    }

    /// <summary>Completes an admin command.</summary>
    internal void CompleteAdmin(ushort commandId, ushort status, uint result) => Complete(_submissionQueues[0], commandId, status, result);

    /// <summary>Completes an I/O command; maybe out of another controller's doorbell, if the two share a disk.</summary>
    internal void CompleteIo(SubmissionQueue queue, in NvmeCommand command, ushort status)
    {
        if (IsResetting)
        {
            EndResetIfIdle();
            return;
        }
        if (status != NvmeStatus.Success)
            _admin.Logs.AddError(queue.Id, command.CommandId, status, command.NamespaceId, command.StartingLba);
        Complete(queue, command.CommandId, status, 0);
        if (queue.IsDeleting && queue.InFlight == 0)
        {
            ushort deletion = queue.DeletionCommandId;
            DeleteSubmissionQueue(queue);
            CompleteAdmin(deletion, NvmeStatus.Success, 0);
        }
        Process();
    }

    /// <summary>Deletes a queue that has no commands in flight.</summary>
    internal void DeleteSubmissionQueue(SubmissionQueue queue)
    {
        _completionQueues[queue.CompletionQueueId].Users--;
        queue.Delete();
    }

    private void RingDoorbell(uint index, uint value)
    {
        if (!IsReady || IsResetting)
            return;
        uint id = index >> 1;
        bool completion = (index & 1) != 0;
        bool exists = id <= MaxIoQueues && (completion ? _completionQueues[id].Exists : _submissionQueues[id].Exists);
        if (!exists)
            ReportDoorbell(AsyncEvents.InvalidDoorbellRegister);
        else if (!(completion ? _completionQueues[id].TryMoveHead(value) : _submissionQueues[id].TryMoveTail(value)))
            ReportDoorbell(AsyncEvents.InvalidDoorbellValue);
        Process();
    }

    private void ReportDoorbell(byte information)
    {
        _admin.Logs.AddError(NoCommand, NoCommand, 0, 0, 0);
        _admin.Events.RaiseError(information);
    }

    private bool TakeCommand(SubmissionQueue queue)
    {
        if (!queue.Exists || queue.IsDeleting || queue.IsEmpty || (queue.Id != 0 && !_io.HasFreeSlot))
            return false;
        CompletionQueue completion = _completionQueues[queue.CompletionQueueId];
        if (!completion.TryReserve())
            return false;
        if (!queue.TryFetch(Memory, out NvmeCommand command))
        {
            completion.Release();
            _status |= NvmeRegisters.StatusFatal;
            return false;
        }
        queue.InFlight++;
        if (queue.Id == 0)
            _admin.Execute(command);
        else
            _io.Execute(queue, command);
        return true;
    }

    private void Complete(SubmissionQueue queue, ushort commandId, ushort status, uint result)
    {
        queue.InFlight--;
        if (!_completionQueues[queue.CompletionQueueId].TryPost(Memory, queue, commandId, WithRetryAdvice(status), result))
            _status |= NvmeRegisters.StatusFatal;
    }

    /// <summary>Says "do not retry" for what is wrong with the command itself.</summary>
    private static ushort WithRetryAdvice(ushort status)
    {
        switch (status)
        {
            case NvmeStatus.Success:
            case NvmeStatus.AbortRequested:
            case NvmeStatus.UnrecoveredReadError:
            case NvmeStatus.WriteFault:
                return status;
            default:
                return (ushort)(status | NvmeStatus.DoNotRetry);
        }
    }

    private void RaiseInterrupts()
    {
        for (int i = 0; i <= MaxIoQueues; i++)
        {
            CompletionQueue queue = _completionQueues[i];
            if (!queue.SignalDue)
                continue;
            queue.SignalDue = false;
            if (queue.InterruptsEnabled)
                Msix!.Signal(queue.Vector);
        }
        UpdateIntx();
    }

    /// <summary>INTx is wanted while a queue that interrupts has entries that the guest has not read, and INTMS does not mask its vector (7.5.1).</summary>
    private void UpdateIntx()
    {
        bool wanted = false;
        for (int i = 0; i <= MaxIoQueues; i++)
        {
            CompletionQueue queue = _completionQueues[i];
            wanted |= queue.InterruptsEnabled && queue.Used != 0 && (_interruptMask >> queue.Vector & 1) == 0;
        }
        if (wanted == _intx)
            return;
        _intx = wanted;
        SetIntx(wanted);
    }
}
