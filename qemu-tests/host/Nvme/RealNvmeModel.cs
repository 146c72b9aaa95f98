using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel.Io;
using Xunit;

namespace Hv.HostTests;

/// <summary>A software NVMe controller with one namespace, which takes pointers for physical addresses. Strict: what the specification forbids fails the test.</summary>
public sealed unsafe class RealNvmeModel : MmioDevice
{
    public readonly byte[] Disk;
    public readonly int SectorSize;
    public int MaxTransferShift = 5;
    public int QueueEntriesLimit = 1024;
    public int DoorbellStrideShift;
    public ushort OptionalCommands = NvmeIdentify.SupportsWriteZeroes | NvmeIdentify.SupportsDatasetManagement;
    public byte WriteCache = 1;
    public uint MetadataBytes;
    public Random? Shuffle;

    // What to do wrong.
    public Func<NvmeCommand, ushort>? Fault;
    public Func<NvmeCommand, bool>? Lose;
    public bool NeverReady;
    public bool NeverIdle;
    public bool FatalOnEnable;
    public bool NeverShutsDown;

    public int Flushes;
    public int Discards;
    public int Commands;
    public int ForcedWrites;
    public int MostInFlight;
    public bool WasShutDown;

    private readonly Queue[] _queues = [new Queue(), new Queue()];
    private readonly List<NvmeCommand> _pending = [];
    private uint _configuration;
    private uint _status;
    private uint _adminAttributes;
    private ulong _adminSubmission;
    private ulong _adminCompletion;
    private int _ticksToReady = -1;
    private bool _interruptsMasked;

    private sealed class Queue
    {
        public NvmeCommand* Commands;
        public NvmeCompletion* Completions;
        public int Entries;
        public int Head;
        public int Tail;
        public int CompletionTail;
        public int CompletionHead;
        public bool Phase = true;
    }

    public RealNvmeModel(int sectors, int sectorSize)
    {
        SectorSize = sectorSize;
        Disk = new byte[sectors * sectorSize];
    }

    public bool IsEnabled => (_configuration & NvmeRegisters.ConfigEnable) != 0;

    /// <summary>As firmware leaves it: enabled, with queues somewhere.</summary>
    public void LeaveEnabled()
    {
        _configuration = NvmeRegisters.ConfigEnable | 6u << 16 | 4u << 20;
        _status = NvmeRegisters.StatusReady;
    }

    public override ulong ReadMmio(ulong offset, int size)
    {
        Assert.Equal(4, size);
        ulong capabilities = (ulong)(QueueEntriesLimit - 1) | NvmeRegisters.CapContiguousQueuesRequired |
            2ul << NvmeRegisters.CapTimeoutShift | (ulong)DoorbellStrideShift << NvmeRegisters.CapDoorbellStrideShift |
            NvmeRegisters.CapNvmCommandSet | 4ul << NvmeRegisters.CapMaximumPageShift;
        return (uint)offset switch
        {
            NvmeRegisters.Capabilities => (uint)capabilities,
            NvmeRegisters.Capabilities + 4 => capabilities >> 32,
            NvmeRegisters.Configuration => _configuration,
            NvmeRegisters.ControllerStatus => _status,
            _ => throw new InvalidOperationException($"read of {offset:X}"),
        };
    }

    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        Assert.Equal(4, size);
        switch ((uint)offset)
        {
            case NvmeRegisters.InterruptMaskSet:
                _interruptsMasked = value == uint.MaxValue;
                break;
            case NvmeRegisters.Configuration:
                Configure((uint)value);
                break;
            case NvmeRegisters.AdminQueueAttributes:
                Assert.False(IsEnabled);
                _adminAttributes = (uint)value;
                break;
            case NvmeRegisters.AdminSubmissionQueue:
                _adminSubmission = _adminSubmission >> 32 << 32 | value;
                break;
            case NvmeRegisters.AdminSubmissionQueue + 4:
                _adminSubmission = (uint)_adminSubmission | value << 32;
                break;
            case NvmeRegisters.AdminCompletionQueue:
                _adminCompletion = _adminCompletion >> 32 << 32 | value;
                break;
            case NvmeRegisters.AdminCompletionQueue + 4:
                _adminCompletion = (uint)_adminCompletion | value << 32;
                break;
            default:
                int stride = 4 << DoorbellStrideShift;
                int doorbell = ((int)offset - (int)NvmeRegisters.Doorbells) / stride;
                Assert.Equal(0, ((int)offset - (int)NvmeRegisters.Doorbells) % stride);
                Assert.InRange(doorbell, 0, 3);
                Ring(doorbell >> 1, (doorbell & 1) != 0, (int)value);
                break;
        }
    }

    /// <summary>Time goes by: state changes happen, commands are carried out.</summary>
    public void Tick()
    {
        if (_ticksToReady > 0 && --_ticksToReady == 0)
        {
            if (IsEnabled && !NeverReady)
                _status |= FatalOnEnable ? NvmeRegisters.StatusFatal : NvmeRegisters.StatusReady;
            else if (!IsEnabled && !NeverIdle)
                _status = 0;
        }
        if ((_configuration & NvmeRegisters.ConfigShutdownMask) != 0 && !NeverShutsDown)
        {
            WasShutDown = true;
            _status |= NvmeRegisters.StatusShutdownComplete;
        }
        while (_pending.Count > 0)
        {
            int index = Shuffle is null ? 0 : Shuffle.Next(_pending.Count);
            NvmeCommand command = _pending[index];
            _pending.RemoveAt(index);
            if (Lose is not null && Lose(command))
                continue;
            ushort fault = Fault is null ? (ushort)0 : Fault(command);
            Complete(1, command, fault != 0 ? fault : Execute(command), 0);
            if (Shuffle is not null && Shuffle.Next(3) == 0)
                break;
        }
    }

    private void Configure(uint value)
    {
        bool wasEnabled = IsEnabled;
        _configuration = value;
        if (IsEnabled && !wasEnabled)
        {
            Assert.True(_interruptsMasked);
            Assert.Equal(NvmeRegisters.ConfigEnable | 6u << 16 | 4u << 20, value);
            _queues[0] = new Queue
            {
                Commands = (NvmeCommand*)_adminSubmission,
                Completions = (NvmeCompletion*)_adminCompletion,
                Entries = (int)(_adminAttributes & 0xFFF) + 1,
            };
            Assert.Equal(_adminAttributes & 0xFFF, _adminAttributes >> 16);
            _queues[1] = new Queue();
            _ticksToReady = 3;
        }
        else if (!IsEnabled && wasEnabled)
        {
            Assert.NotEqual(0u, _status & (NvmeRegisters.StatusReady | NvmeRegisters.StatusFatal));
            _pending.Clear();
            _ticksToReady = 3;
        }
    }

    private void Ring(int queueId, bool completion, int value)
    {
        if (!IsEnabled)
            return;
        Queue queue = _queues[queueId];
        Assert.InRange(value, 0, queue.Entries - 1);
        if (completion)
        {
            queue.CompletionHead = value;
            return;
        }
        queue.Tail = value;
        while (queue.Head != queue.Tail)
        {
            NvmeCommand command = queue.Commands[queue.Head];
            queue.Head = (queue.Head + 1) % queue.Entries;
            if (queueId == 0)
            {
                if (Lose is null || !Lose(command))
                    Complete(0, command, Admin(command), 0);
                continue;
            }
            Commands++;
            Assert.DoesNotContain(_pending, other => other.CommandId == command.CommandId);
            _pending.Add(command);
            MostInFlight = Math.Max(MostInFlight, _pending.Count);
        }
    }

    private void Complete(int queueId, NvmeCommand command, ushort status, uint result)
    {
        Queue queue = _queues[queueId];
        Assert.NotEqual(queue.CompletionHead, (queue.CompletionTail + 1) % queue.Entries);
        queue.Completions[queue.CompletionTail] =
            new NvmeCompletion(result, (ushort)queue.Head, (ushort)queueId, command.CommandId, status, queue.Phase);
        if (++queue.CompletionTail == queue.Entries)
        {
            queue.CompletionTail = 0;
            queue.Phase = !queue.Phase;
        }
    }

    private ushort Admin(NvmeCommand command)
    {
        switch (command.Opcode)
        {
            case NvmeAdminOpcode.Identify:
                Identify(command);
                return NvmeStatus.Success;
            case NvmeAdminOpcode.SetFeatures:
                return command.Dword10 == NvmeFeature.NumberOfQueues ? NvmeStatus.Success : NvmeStatus.InvalidField;
            case NvmeAdminOpcode.CreateCompletionQueue:
                Assert.Equal(1u, command.Dword11); // contiguous, no interrupts
                Assert.Equal(1u, command.Dword10 & 0xFFFF);
                _queues[1].Completions = (NvmeCompletion*)command.Prp1;
                _queues[1].Entries = (int)(command.Dword10 >> 16) + 1;
                return _queues[1].Entries <= QueueEntriesLimit ? NvmeStatus.Success : NvmeStatus.InvalidQueueSize;
            case NvmeAdminOpcode.CreateSubmissionQueue:
                Assert.Equal(0x1_0001u, command.Dword11);
                Assert.Equal(_queues[1].Entries, (int)(command.Dword10 >> 16) + 1);
                _queues[1].Commands = (NvmeCommand*)command.Prp1;
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidOpcode;
        }
    }

    private void Identify(NvmeCommand command)
    {
        var data = new Span<byte>((void*)command.Prp1, NvmeIdentify.Bytes);
        data.Clear();
        if (command.Dword10 == NvmeIdentify.Controller)
        {
            Encoding.ASCII.GetBytes("MODEL DISK".PadRight(40)).CopyTo(data[NvmeIdentify.ModelNumber..]);
            Encoding.ASCII.GetBytes("S-0001".PadLeft(20)).CopyTo(data[NvmeIdentify.SerialNumber..]);
            Encoding.ASCII.GetBytes("1.0".PadRight(8)).CopyTo(data[NvmeIdentify.FirmwareRevision..]);
            data[NvmeIdentify.MaximumDataTransfer] = (byte)MaxTransferShift;
            BinaryPrimitives.WriteUInt16LittleEndian(data[NvmeIdentify.OptionalNvmCommands..], OptionalCommands);
            data[NvmeIdentify.VolatileWriteCache] = WriteCache;
            return;
        }
        if (command.NamespaceId != 1)
            return;
        BinaryPrimitives.WriteUInt64LittleEndian(data[NvmeIdentify.NamespaceSize..], (ulong)(Disk.Length / SectorSize));
        data[NvmeIdentify.LbaFormatCount] = 2;
        data[NvmeIdentify.FormattedLbaSize] = 2;
        uint shift = (uint)int.Log2(SectorSize);
        BinaryPrimitives.WriteUInt32LittleEndian(data[(NvmeIdentify.LbaFormat0 + 8)..], shift << 16 | MetadataBytes);
    }

    private ushort Execute(NvmeCommand command)
    {
        Assert.Equal(1u, command.NamespaceId);
        Assert.Equal(0u, command.Fuse | command.DataPointerType);
        ulong sectors = (ulong)(Disk.Length / SectorSize);
        ulong count = (command.Dword12 & 0xFFFF) + 1;
        switch (command.Opcode)
        {
            case NvmeIoOpcode.Flush:
                Flushes++;
                return NvmeStatus.Success;
            case NvmeIoOpcode.Read:
            case NvmeIoOpcode.Write:
                if (command.StartingLba + count > sectors)
                    return NvmeStatus.LbaOutOfRange;
                if ((command.Dword12 & NvmeCommand.ForceUnitAccess) != 0)
                    ForcedWrites++;
                Transfer(command, (int)command.StartingLba * SectorSize, (int)count * SectorSize);
                return NvmeStatus.Success;
            case NvmeIoOpcode.WriteZeroes:
                if (command.StartingLba + count > sectors)
                    return NvmeStatus.LbaOutOfRange;
                Disk.AsSpan((int)command.StartingLba * SectorSize, (int)count * SectorSize).Clear();
                return NvmeStatus.Success;
            case NvmeIoOpcode.DatasetManagement:
                Assert.Equal(0u, command.Dword10);
                Assert.Equal(NvmeCommand.Deallocate, command.Dword11);
                ulong* range = (ulong*)command.Prp1;
                Assert.True(range[1] + (range[0] >> 32) <= sectors);
                Disk.AsSpan((int)range[1] * SectorSize, (int)(range[0] >> 32) * SectorSize).Clear();
                Discards++;
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidOpcode;
        }
    }

    private void Transfer(NvmeCommand command, int at, int bytes)
    {
        Assert.True(MaxTransferShift == 0 || bytes <= 4096 << MaxTransferShift);
        bool write = command.Opcode == NvmeIoOpcode.Write;
        Assert.Equal(0ul, command.Prp1 & 3);
        ulong entry = command.Prp1;
        ulong* list = null;
        int done = 0;
        for (int page = 0; done < bytes; page++)
        {
            int part = Math.Min(4096 - (int)(entry & 4095), bytes - done);
            var memory = new Span<byte>((void*)entry, part);
            if (write)
                memory.CopyTo(Disk.AsSpan(at + done));
            else
                Disk.AsSpan(at + done, part).CopyTo(memory);
            done += part;
            if (done == bytes)
                break;
            if (page == 0 && bytes - done <= 4096)
            {
                entry = command.Prp2;
            }
            else
            {
                if (page == 0)
                    list = (ulong*)command.Prp2;
                Assert.True(((ulong)list & 4095) != 4088 || bytes - done <= 4096, "chained list");
                entry = *list++;
            }
            Assert.Equal(0ul, entry & 4095);
        }
    }
}
