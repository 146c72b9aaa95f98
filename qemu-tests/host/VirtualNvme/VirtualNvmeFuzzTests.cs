using System;
using System.Linq;
using System.Runtime.InteropServices;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Pci;
using Xunit;

namespace Hv.HostTests;

/// <summary>Whatever a guest writes to registers and queues: no crash, no hang, no access outside of its memory, and the controller can be reset.</summary>
public sealed class VirtualNvmeFuzzTests
{
    private static readonly byte[] Opcodes = [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 0x18, 0xC0, 0xC1, 0xFF];

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    public void Random_registers_and_commands_do_no_harm(int seed, bool later)
    {
        var random = new Random(seed);
        var disk = new ModelDisk(5_000) { Later = later ? random : null };
        for (int run = 0; run < 150; run++)
        {
            using var guest = new NvmeGuest(disk);
            guest.Memory.Holes.Add(100);
            guest.Vendor.Answer = command =>
            {
                if (random.Next(3) != 0)
                    command.Complete((ushort)random.Next(0x800), (uint)random.Next());
                else if (guest.Vendor.Executed.Count > 10)
                    guest.Vendor.Executed[random.Next(guest.Vendor.Executed.Count)].Complete(0, 1);
            };
            for (int step = 0; step < 300; step++)
                Step(random, guest);
            guest.Controller.Pause();
            guest.Controller.Resume();
            guest.Controller.Reset();
            Assert.Equal(0, disk.Pending);
            guest.Controller.WriteConfig(PciRegister.Command, 2, PciRegister.CommandMemory | PciRegister.CommandBusMaster);
            Assert.Equal(0u, guest.Status);
            guest.Memory.Holes.Clear();
            guest.Memory.Bytes.Clear();
            guest.Start();
            guest.Vendor.Answer = null;
            Assert.Equal(NvmeStatus.InvalidOpcode, guest.AdminStatus(NvmeAdminOpcode.KeepAlive));
        }
        Assert.Equal(5, disk.Log.Select(entry => entry.Operation).Distinct().Count());
    }

    private static void Step(Random random, NvmeGuest guest)
    {
        switch (random.Next(12))
        {
            case 0:
                guest.Write((uint)random.Next(0x4000), 1 << random.Next(4), (ulong)random.NextInt64(long.MinValue, long.MaxValue));
                break;
            case 1:
                guest.Read((uint)random.Next(0x4000), 1 << random.Next(4));
                break;
            case 2:
                guest.Controller.WriteConfig(random.Next(-4, 300), 1 << random.Next(3), (uint)random.Next());
                guest.Controller.WriteConfig(PciRegister.Command, 2, PciRegister.CommandBusMaster);
                break;
            case 3:
                random.NextBytes(guest.Memory.Bytes.Slice(random.Next(NvmeGuest.MemoryPages) * 4096, 4096));
                break;
            case 4 when random.Next(4) == 0:
                guest.Write(NvmeRegisters.Configuration, 4, (uint)random.Next());
                break;
            case 4:
            case 5:
                if (!guest.Controller.IsReady || guest.Status != NvmeRegisters.StatusReady)
                    Start(random, guest);
                break;
            case 6:
                guest.Controller.Poll();
                break;
            default:
                Ring(random, guest);
                break;
        }
    }

    /// <summary>Enables the controller with the admin queues in pages 1 to 4 and I/O queues where they fall.</summary>
    private static void Start(Random random, NvmeGuest guest)
    {
        guest.Write(NvmeRegisters.Configuration, 4, 0);
        guest.Write(NvmeRegisters.AdminQueueAttributes, 4, 0x003F_003F);
        guest.Write(NvmeRegisters.AdminSubmissionQueue, 8, 0x1000);
        guest.Write(NvmeRegisters.AdminCompletionQueue, 8, 0x2000);
        guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable);
        for (uint id = 1; id < 9; id++)
        {
            PutCommand(random, guest, (id - 1) * 2, NvmeAdminOpcode.CreateCompletionQueue, id | 15u << 16, 3, id);
            PutCommand(random, guest, (id - 1) * 2 + 1, NvmeAdminOpcode.CreateSubmissionQueue, id | 15u << 16, 1 | id << 16, id + 20);
        }
        guest.Write(0x1000, 4, 16);
        guest.Write(0x1004, 4, 16);
    }

    private static void PutCommand(Random random, NvmeGuest guest, uint index, byte opcode, uint dword10, uint dword11, ulong page)
    {
        var command = new NvmeCommand(opcode, (ushort)random.Next(), 0) { Dword10 = dword10, Dword11 = dword11, Prp1 = 0x10_000 + page * 4096 };
        MemoryMarshal.Write(guest.Memory.Bytes.Slice(0x1000 + (int)index * 64), command);
    }

    /// <summary>Fills a queue's page with commands that make some sense, and rings a doorbell.</summary>
    private static void Ring(Random random, NvmeGuest guest)
    {
        uint id = (uint)random.Next(10);
        int page = id == 0 ? 1 : 16 + 20 + (int)id;
        for (int i = 0; i < 16; i++)
        {
            var command = new NvmeCommand(Opcodes[random.Next(Opcodes.Length)], (ushort)random.Next(64), (uint)random.Next(1, 3) / 2 + 1)
            {
                Prp1 = (ulong)random.Next(110) * 4096 + (random.Next(3) == 0 ? (ulong)random.Next(4096) : 0),
                Prp2 = (ulong)random.Next(110) * 4096 + (random.Next(3) == 0 ? (ulong)random.Next(4096) & ~7ul : 0),
                Dword10 = (uint)random.Next(random.Next(2) == 0 ? 5_000 : int.MaxValue),
                Dword11 = random.Next(2) == 0 ? (uint)random.Next(8) : 0,
                Dword12 = (uint)random.Next(random.Next(2) == 0 ? 16 : 2_000),
            };
            MemoryMarshal.Write(guest.Memory.Bytes.Slice(page * 4096 + i * 64), command);
        }
        guest.Write(0x1000 + id * 8, 4, (uint)random.Next(17));
        if (random.Next(2) == 0)
            guest.Write(0x1004 + id * 8, 4, (uint)random.Next(16));
    }
}
