using System;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Drivers.Nvme.Real;

/// <summary>A real NVMe controller: reset, enabling, admin commands, one pair of I/O queues, shutdown. Polled, never interrupts.</summary>
/// <remarks>
/// The caller has enabled memory decoding and bus mastering of the PCI function, and has disabled INTx, MSI and MSI-X.
/// Used by one processor at a time.
/// </remarks>
public sealed unsafe class NvmeController
{
    /// <summary>How long an admin command may take.</summary>
    public const ulong AdminLimitNanoseconds = 10_000_000_000;
    /// <summary>How long a shutdown may take.</summary>
    public const ulong ShutdownLimitNanoseconds = 10_000_000_000;

    private const ulong TimeoutUnit = 500_000_000;
    private const int AdminEntries = 16;
    private const ushort IoQueueId = 1;
    private const uint PhysicallyContiguous = 1;

    private readonly MmioDevice _registers;
    private readonly TimeSource _time;
    private NvmeQueue? _admin;
    private NvmeQueue? _io;
    private byte* _data;
    private uint _doorbellStride;
    private ulong _readyLimit;
    private int _maxEntries;
    private ushort _nextAdminId;

    /// <summary>Drives the controller whose register BAR is <paramref name="registers"/>.</summary>
    public NvmeController(MmioDevice registers, TimeSource time)
    {
        _registers = registers;
        _time = time;
    }

    /// <summary>The I/O queues; only after <see cref="Start"/> returned <see cref="Status.Ok"/>.</summary>
    public NvmeQueue Io => _io!;

    /// <summary>What the last <see cref="Identify"/> answered.</summary>
    public ReadOnlySpan<byte> Data => new(_data, NvmeIdentify.Bytes);

    /// <summary>Takes the pages that the controller needs, five of them. <see cref="Status.OutOfMemory"/>: there are not enough. At boot only.</summary>
    public Status Allocate(PageSource pages)
    {
        byte* adminSubmission = pages.TakePage();
        byte* adminCompletion = pages.TakePage();
        byte* ioSubmission = pages.TakePage();
        byte* ioCompletion = pages.TakePage();
        _data = pages.TakePage();
        if (adminSubmission == null || adminCompletion == null || ioSubmission == null || ioCompletion == null || _data == null)
            return Status.OutOfMemory;
        _admin = new NvmeQueue(_registers, adminSubmission, adminCompletion);
        _io = new NvmeQueue(_registers, ioSubmission, ioCompletion);
        return Status.Ok;
    }

    /// <summary>
    /// Resets the controller, whatever state it is in, and makes it work (NVM Express 1.4, 7.6.1). Can be done again at any time:
    /// commands in flight are then gone.
    /// </summary>
    public Status Start()
    {
        ulong capabilities = Read32(NvmeRegisters.Capabilities) | (ulong)Read32(NvmeRegisters.Capabilities + 4) << 32;
        if (capabilities == ulong.MaxValue)
            return Status.NotFound;
        bool speaksNvm = (capabilities & NvmeRegisters.CapNvmCommandSet) != 0;
        bool takesSmallPages = (capabilities >> NvmeRegisters.CapMinimumPageShift & 0xF) == 0;
        if (!speaksNvm || !takesSmallPages)
            return Status.Unsupported;
        _doorbellStride = 4u << (int)(capabilities >> NvmeRegisters.CapDoorbellStrideShift & 0xF);
        // One unit more than stated: a controller that says zero means "at once".
        _readyLimit = ((capabilities >> NvmeRegisters.CapTimeoutShift & 0xFF) + 1) * TimeoutUnit;
        _maxEntries = (int)Math.Min((capabilities & 0xFFFF) + 1, NvmeQueue.MaxEntries);

        Status status = Disable();
        if (status == Status.Ok)
            status = Enable();
        if (status == Status.Ok)
            status = CreateIoQueues();
        return status;
    }

    /// <summary>Resets the controller: afterwards it does no DMA and processes no command. <see cref="Status.Timeout"/>: it did not obey.</summary>
    public Status Disable()
    {
        uint configuration = Read32(NvmeRegisters.Configuration);
        if (configuration == uint.MaxValue)
            return Status.NotFound;
        if ((configuration & NvmeRegisters.ConfigEnable) != 0)
        {
            // Clearing the bit while it is still becoming ready is undefined (3.1.5); a fatal error or the time limit ends the wait.
            WaitReady();
            Write32(NvmeRegisters.Configuration, configuration & ~NvmeRegisters.ConfigEnable & ~NvmeRegisters.ConfigShutdownMask);
        }
        var deadline = new Deadline(_time, _readyLimit);
        while ((Read32(NvmeRegisters.ControllerStatus) & NvmeRegisters.StatusReady) != 0)
        {
            if (deadline.HasPassed)
                return Status.Timeout;
        }
        return Status.Ok;
    }

    /// <summary>Lets the controller write its caches to the medium and stop, then resets it. No command is in flight.</summary>
    public Status Shutdown()
    {
        uint configuration = Read32(NvmeRegisters.Configuration);
        if (configuration == uint.MaxValue)
            return Status.NotFound;
        Status status = Status.Ok;
        if ((configuration & NvmeRegisters.ConfigEnable) != 0)
        {
            Write32(NvmeRegisters.Configuration,
                (configuration & ~NvmeRegisters.ConfigShutdownMask) | NvmeRegisters.ConfigShutdownNormal);
            var deadline = new Deadline(_time, ShutdownLimitNanoseconds);
            while (status == Status.Ok &&
                (Read32(NvmeRegisters.ControllerStatus) & NvmeRegisters.StatusShutdownMask) != NvmeRegisters.StatusShutdownComplete)
            {
                if (deadline.HasPassed)
                    status = Status.Timeout;
            }
        }
        Status disabled = Disable();
        return status == Status.Ok ? disabled : status;
    }

    /// <summary>Asks for an Identify structure; the answer is in <see cref="Data"/>.</summary>
    public Status Identify(byte structure, uint namespaceId)
    {
        var command = new NvmeCommand(NvmeAdminOpcode.Identify, 0, namespaceId) { Prp1 = (ulong)_data, Dword10 = structure };
        return Execute(command);
    }

    private Status Enable()
    {
        int entries = Math.Min(AdminEntries, _maxEntries);
        _admin!.Reset(0, entries, _doorbellStride);
        uint size = (uint)(entries - 1);
        Write32(NvmeRegisters.AdminQueueAttributes,
            size << NvmeRegisters.AdminSubmissionSizeShift | size << NvmeRegisters.AdminCompletionSizeShift);
        Write64(NvmeRegisters.AdminSubmissionQueue, _admin.SubmissionAddress);
        Write64(NvmeRegisters.AdminCompletionQueue, _admin.CompletionAddress);
        Write32(NvmeRegisters.InterruptMaskSet, uint.MaxValue);
        Write32(NvmeRegisters.Configuration,
            NvmeRegisters.ConfigEnable |
            NvmeCommand.Shift << NvmeRegisters.ConfigSubmissionEntryShift |
            NvmeCompletion.Shift << NvmeRegisters.ConfigCompletionEntryShift);
        return WaitReady();
    }

    private Status CreateIoQueues()
    {
        _io!.Reset(IoQueueId, _maxEntries, _doorbellStride);
        // One queue pair, 0's based. The controller may give more; refusal shows when the queues are created.
        Execute(new NvmeCommand(NvmeAdminOpcode.SetFeatures, 0, 0) { Dword10 = NvmeFeature.NumberOfQueues });
        uint identity = IoQueueId | (uint)(_maxEntries - 1) << 16;
        var command = new NvmeCommand(NvmeAdminOpcode.CreateCompletionQueue, 0, 0)
        {
            Prp1 = _io.CompletionAddress,
            Dword10 = identity,
            Dword11 = PhysicallyContiguous, // and no interrupts
        };
        Status status = Execute(command);
        if (status != Status.Ok)
            return status;
        command = new NvmeCommand(NvmeAdminOpcode.CreateSubmissionQueue, 0, 0)
        {
            Prp1 = _io.SubmissionAddress,
            Dword10 = identity,
            Dword11 = PhysicallyContiguous | (uint)IoQueueId << 16,
        };
        return Execute(command);
    }

    private Status Execute(NvmeCommand command)
    {
        ushort id = _nextAdminId++;
        command.Dword0 |= (uint)id << 16;
        _admin!.Submit(command);
        var deadline = new Deadline(_time, AdminLimitNanoseconds);
        while (true)
        {
            if (_admin.TryTake(out NvmeCompletion completion))
            {
                _admin.Acknowledge();
                // A late answer to a command that was given up is not this one's.
                if (completion.CommandId == id)
                    return (completion.Status & NvmeStatus.CodeMask) == NvmeStatus.Success ? Status.Ok : Status.DeviceError;
            }
            else if (deadline.HasPassed)
            {
                return Status.Timeout;
            }
        }
    }

    private Status WaitReady()
    {
        var deadline = new Deadline(_time, _readyLimit);
        while (true)
        {
            uint status = Read32(NvmeRegisters.ControllerStatus);
            if (status == uint.MaxValue)
                return Status.NotFound;
            if ((status & NvmeRegisters.StatusFatal) != 0)
                return Status.DeviceError;
            if ((status & NvmeRegisters.StatusReady) != 0)
                return Status.Ok;
            if (deadline.HasPassed)
                return Status.Timeout;
        }
    }

    private uint Read32(uint register) => (uint)_registers.ReadMmio(register, 4);

    private void Write32(uint register, uint value) => _registers.WriteMmio(register, 4, value);

    // In two halves: not every controller takes an access of eight bytes.
    private void Write64(uint register, ulong value)
    {
        Write32(register, (uint)value);
        Write32(register + 4, (uint)(value >> 32));
    }
}
