using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Hv.Drivers.Pci;
using Hv.Kernel.Memory;
using Xunit;

namespace Hv.HostTests;

/// <summary>A guest with a small NVMe driver of its own, on the virtual controller.</summary>
public sealed class NvmeGuest : IDisposable
{
    public const int MemoryPages = 2048;
    public const uint Enable = NvmeRegisters.ConfigEnable | 6u << NvmeRegisters.ConfigSubmissionEntryShift | 4u << NvmeRegisters.ConfigCompletionEntryShift;
    private const ulong FirstFreePage = 16;
    private const int MsixControl = 0x42;

    private ulong _nextPage = FirstFreePage;
    private ushort _nextCommand;

    public NvmeGuest(BlockDevice disk)
    {
        var identity = new NvmeIdentity("HV-TEST-1"u8, "build-1234"u8, Guid);
        Controller = new VirtualNvmeController(identity, disk, Memory, Sink, Vendor);
        Controller.ConnectIntx(1, 11, Line);
        Controller.WriteConfig(PciRegister.Command, 2, PciRegister.CommandMemory | PciRegister.CommandBusMaster);
    }

    public static ReadOnlySpan<byte> Guid => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xF0];

    public ModelGuestMemory Memory { get; } = new(MemoryPages);

    public RecordingSink Sink { get; } = new();

    public RecordingLine Line { get; } = new();

    public RecordingVendor Vendor { get; } = new();

    public VirtualNvmeController Controller { get; }

    public GuestQueue Admin { get; private set; } = null!;

    public uint Status => (uint)Read(NvmeRegisters.ControllerStatus, 4);

    public void Dispose() => Memory.Dispose();

    public ulong Read(uint offset, int size) => Controller.ReadBar(0, offset, size);

    public void Write(uint offset, int size, ulong value) => Controller.WriteBar(0, offset, size, value);

    /// <summary>Takes pages that nothing else uses; the first one's address.</summary>
    public ulong TakePages(int count = 1)
    {
        ulong page = _nextPage;
        _nextPage += (ulong)count;
        Assert.True(_nextPage <= MemoryPages);
        return page * 4096;
    }

    /// <summary>Sets the admin queues up and enables the controller.</summary>
    public void Start(uint entries = 32)
    {
        Admin = NewQueue(0, 0, entries);
        Write(NvmeRegisters.AdminQueueAttributes, 4, (entries - 1) | (entries - 1) << 16);
        Write(NvmeRegisters.AdminSubmissionQueue, 8, Admin.Submission);
        Write(NvmeRegisters.AdminCompletionQueue, 8, Admin.Completion);
        Write(NvmeRegisters.Configuration, 4, Enable);
        Assert.Equal(NvmeRegisters.StatusReady, Status);
    }

    /// <summary>Puts MSI-X to use: vector n sends n to address FEE0_0000h + n * 1000h.</summary>
    public void UseMsix()
    {
        Controller.WriteConfig(MsixControl, 2, MsixTable.ControlEnable);
        for (uint i = 0; i < Controller.Msix!.Count; i++)
        {
            Write(0x2000 + i * 16, 8, 0xFEE0_0000 + i * 0x1000);
            Write(0x2008 + i * 16, 4, i);
            Write(0x200C + i * 16, 4, 0);
        }
    }

    /// <summary>Makes a pair of I/O queues.</summary>
    public GuestQueue CreateQueue(uint id, uint entries = 32, uint vector = 0)
    {
        GuestQueue queue = NewQueue(id, id, entries);
        Assert.Equal(NvmeStatus.Success, CreateCompletionQueue(id, entries, queue.Completion, vector << 16 | 3));
        Assert.Equal(NvmeStatus.Success, CreateSubmissionQueue(id, entries, queue.Submission, id << 16 | 1));
        return queue;
    }

    public GuestQueue NewQueue(uint submissionId, uint completionId, uint entries) => new()
    {
        SubmissionId = submissionId,
        CompletionId = completionId,
        Size = entries,
        Submission = TakePages((int)(entries * 64 + 4095) / 4096),
        Completion = TakePages((int)(entries * 16 + 4095) / 4096),
    };

    public ushort CreateCompletionQueue(uint id, uint entries, ulong address, uint dword11) =>
        AdminStatus(NvmeAdminOpcode.CreateCompletionQueue, id | (entries - 1) << 16, dword11, prp1: address);

    public ushort CreateSubmissionQueue(uint id, uint entries, ulong address, uint dword11) =>
        AdminStatus(NvmeAdminOpcode.CreateSubmissionQueue, id | (entries - 1) << 16, dword11, prp1: address);

    /// <summary>A command with an identifier of its own.</summary>
    public NvmeCommand NewCommand(byte opcode, uint namespaceId = 0) => new(opcode, _nextCommand++, namespaceId);

    /// <summary>Writes a command to the queue without telling the controller.</summary>
    public void Put(GuestQueue queue, NvmeCommand command)
    {
        MemoryMarshal.Write(Memory.Bytes.Slice((int)(queue.Submission + queue.Tail * 64)), command);
        queue.Tail = (queue.Tail + 1) % queue.Size;
    }

    public void RingTail(GuestQueue queue) => Write(0x1000 + queue.SubmissionId * 8, 4, queue.Tail);

    public void RingHead(GuestQueue queue) => Write(0x1004 + queue.CompletionId * 8, 4, queue.Head);

    public void Submit(GuestQueue queue, NvmeCommand command)
    {
        Put(queue, command);
        RingTail(queue);
    }

    /// <summary>Takes a completion, and tells the controller unless <paramref name="ring"/> is false.</summary>
    public bool TryReap(GuestQueue queue, out NvmeCompletion completion, bool ring = true)
    {
        completion = MemoryMarshal.Read<NvmeCompletion>(Memory.Bytes.Slice((int)(queue.Completion + queue.Head * 16)));
        if (completion.Phase != queue.Phase)
            return false;
        queue.Head = (queue.Head + 1) % queue.Size;
        if (queue.Head == 0)
            queue.Phase = !queue.Phase;
        if (ring)
            RingHead(queue);
        return true;
    }

    public List<NvmeCompletion> ReapAll(GuestQueue queue)
    {
        var all = new List<NvmeCompletion>();
        while (TryReap(queue, out NvmeCompletion completion))
            all.Add(completion);
        return all;
    }

    /// <summary>Submits a command and takes its completion, which must be there at once.</summary>
    public NvmeCompletion Execute(GuestQueue queue, NvmeCommand command)
    {
        Submit(queue, command);
        Assert.True(TryReap(queue, out NvmeCompletion completion), $"command {command.Opcode:X2}h is not complete");
        Assert.Equal(command.CommandId, completion.CommandId);
        Assert.Equal(queue.SubmissionId, completion.SubmissionQueue);
        return completion;
    }

    public NvmeCompletion Execute(byte opcode, uint dword10 = 0, uint dword11 = 0, uint namespaceId = 0, ulong prp1 = 0, ulong prp2 = 0, uint dword12 = 0)
    {
        NvmeCommand command = NewCommand(opcode, namespaceId);
        command.Dword10 = dword10;
        command.Dword11 = dword11;
        command.Dword12 = dword12;
        command.Prp1 = prp1;
        command.Prp2 = prp2;
        return Execute(Admin, command);
    }

    /// <summary>Carries out an admin command; its status without the flags.</summary>
    public ushort AdminStatus(byte opcode, uint dword10 = 0, uint dword11 = 0, uint namespaceId = 0, ulong prp1 = 0, ulong prp2 = 0, uint dword12 = 0) =>
        (ushort)(Execute(opcode, dword10, dword11, namespaceId, prp1, prp2, dword12).Status & NvmeStatus.CodeMask);

    /// <summary>Identify; the data structure, or null and the status.</summary>
    public byte[]? Identify(byte structure, uint namespaceId, out ushort status)
    {
        ulong page = TakePages();
        status = AdminStatus(NvmeAdminOpcode.Identify, structure, 0, namespaceId, page);
        return status == NvmeStatus.Success ? Memory.Bytes.Slice((int)page, 4096).ToArray() : null;
    }

    /// <summary>Get Log Page; the bytes, or null and the status.</summary>
    public byte[]? GetLog(byte page, int bytes, out ushort status, bool retain = false, uint offset = 0)
    {
        ulong buffer = TakePages();
        Memory.Bytes.Slice((int)buffer, 4096).Fill(0xEE);
        uint dwords = (uint)bytes / 4 - 1;
        status = AdminStatus(NvmeAdminOpcode.GetLogPage, page | (retain ? 1u << 15 : 0) | dwords << 16, dwords >> 16, NvmeCommand.AllNamespaces, buffer, dword12: offset);
        return status == NvmeStatus.Success ? Memory.Bytes.Slice((int)buffer, bytes).ToArray() : null;
    }

    /// <summary>Writes PRP entries of a list to memory.</summary>
    public void PutList(ulong address, params ulong[] entries)
    {
        for (int i = 0; i < entries.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(Memory.Bytes.Slice((int)address + 8 * i), entries[i]);
    }
}
