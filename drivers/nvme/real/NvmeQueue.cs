using System;
using System.Threading;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Io;

namespace Hv.Drivers.Nvme.Real;

/// <summary>A submission queue and its completion queue, one page each (NVM Express 1.4, 4.1).</summary>
/// <remarks>Whoever submits sees to it that fewer commands are in flight than there are entries.</remarks>
public sealed unsafe class NvmeQueue
{
    /// <summary>As many entries as submission commands fit into a page.</summary>
    public const int MaxEntries = (int)PageSize.Small / NvmeCommand.Bytes;

    private readonly MmioDevice _registers;
    private readonly NvmeCommand* _commands;
    private readonly NvmeCompletion* _completions;
    private ulong _submissionDoorbell;
    private ulong _completionDoorbell;
    private int _tail;
    private int _head;
    private bool _phase;

    /// <summary>Queues in the two pages of memory given, which are host-physical.</summary>
    public NvmeQueue(MmioDevice registers, byte* submissionPage, byte* completionPage)
    {
        _registers = registers;
        _commands = (NvmeCommand*)submissionPage;
        _completions = (NvmeCompletion*)completionPage;
    }

    /// <summary>Where the submission queue is.</summary>
    public ulong SubmissionAddress => (ulong)_commands;

    /// <summary>Where the completion queue is.</summary>
    public ulong CompletionAddress => (ulong)_completions;

    /// <summary>Entries of each of the two.</summary>
    public int Entries { get; private set; }

    /// <summary>
    /// Empties the queues, before the controller is told of them. <paramref name="entries"/> is 2 to <see cref="MaxEntries"/>;
    /// doorbells are <paramref name="stride"/> bytes apart.
    /// </summary>
    public void Reset(int queueId, int entries, uint stride)
    {
        Entries = entries;
        _submissionDoorbell = NvmeRegisters.Doorbells + (ulong)(2 * queueId) * stride;
        _completionDoorbell = _submissionDoorbell + stride;
        _tail = 0;
        _head = 0;
        _phase = true;
        new Span<byte>(_completions, (int)PageSize.Small).Clear();
    }

    /// <summary>Hands a command over to the controller.</summary>
    public void Submit(in NvmeCommand command)
    {
        _commands[_tail] = command;
        _tail = _tail + 1 == Entries ? 0 : _tail + 1;
        _registers.WriteMmio(_submissionDoorbell, 4, (uint)_tail);
    }

    /// <summary>Takes the next completion out; false if there is none. <see cref="Acknowledge"/> after the last one.</summary>
    public bool TryTake(out NvmeCompletion completion)
    {
        completion = default;
        NvmeCompletion* entry = _completions + _head;
        completion.Dword3 = Volatile.Read(ref entry->Dword3);
        if (completion.Phase != _phase)
            return false;
        completion.Result = Volatile.Read(ref entry->Result);
        completion.Dword2 = Volatile.Read(ref entry->Dword2);
        if (++_head == Entries)
        {
            _head = 0;
            _phase = !_phase;
        }
        return true;
    }

    /// <summary>Tells the controller how far completions were taken.</summary>
    public void Acknowledge() => _registers.WriteMmio(_completionDoorbell, 4, (uint)_head);
}
