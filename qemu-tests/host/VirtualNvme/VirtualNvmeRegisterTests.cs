using System;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Hv.Drivers.Pci;
using Xunit;

namespace Hv.HostTests;

public sealed class VirtualNvmeRegisterTests : IDisposable
{
    private readonly ModelDisk _disk = new(10_000);
    private readonly NvmeGuest _guest;

    public VirtualNvmeRegisterTests() => _guest = new NvmeGuest(_disk);

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Capabilities_and_version_can_be_read_in_any_width()
    {
        ulong expected = 1023 | 1ul << 16 | 60ul << 24 | 1ul << 37;
        Assert.Equal(expected, _guest.Read(NvmeRegisters.Capabilities, 8));
        Assert.Equal((uint)expected, _guest.Read(NvmeRegisters.Capabilities, 4));
        Assert.Equal(expected >> 32, _guest.Read(NvmeRegisters.Capabilities + 4, 4));
        Assert.Equal(60u, _guest.Read(NvmeRegisters.Capabilities + 3, 1));
        Assert.Equal(0x10400u, _guest.Read(NvmeRegisters.Version, 4));
        Assert.Equal(0u, _guest.Read(NvmeRegisters.Doorbells, 4));
        Assert.Equal(0u, _guest.Read(0x3FFC, 8));
        Assert.Equal(0x010802u, _guest.Controller.ReadConfig(PciRegister.ClassCode, 4) & 0xFFFFFF);
    }

    [Fact]
    public void Admin_queue_addresses_are_page_aligned_and_can_be_written_in_halves()
    {
        _guest.Write(NvmeRegisters.AdminSubmissionQueue, 4, 0x12345678);
        _guest.Write(NvmeRegisters.AdminSubmissionQueue + 4, 4, 0x9A);
        _guest.Write(NvmeRegisters.AdminCompletionQueue, 8, 0x9A_8765_4321);
        Assert.Equal(0x9A_1234_5000u, _guest.Read(NvmeRegisters.AdminSubmissionQueue, 8));
        Assert.Equal(0x9A_8765_4000u, _guest.Read(NvmeRegisters.AdminCompletionQueue, 8));
        _guest.Write(NvmeRegisters.AdminQueueAttributes, 4, uint.MaxValue);
        Assert.Equal(0x0FFF_0FFFu, _guest.Read(NvmeRegisters.AdminQueueAttributes, 4));
        _guest.Write(NvmeRegisters.AdminQueueAttributes, 2, 0);
        Assert.Equal(0x0FFF_0FFFu, _guest.Read(NvmeRegisters.AdminQueueAttributes, 4));
    }

    [Theory]
    [InlineData(1u << 4)]
    [InlineData(1u << 7)]
    [InlineData(1u << 11)]
    public void Unsupported_configurations_are_fatal_until_a_reset(uint bits)
    {
        _guest.Write(NvmeRegisters.AdminQueueAttributes, 4, 0x001F_001F);
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable | bits);
        Assert.Equal(NvmeRegisters.StatusFatal, _guest.Status);
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        Assert.Equal(0u, _guest.Status);
        _guest.Start();
    }

    [Fact]
    public void An_admin_queue_of_one_entry_is_fatal()
    {
        _guest.Write(NvmeRegisters.AdminQueueAttributes, 4, 0x001F_0000);
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable);
        Assert.Equal(NvmeRegisters.StatusFatal, _guest.Status);
    }

    [Fact]
    public void Admin_queues_without_memory_are_fatal()
    {
        _guest.Start();
        _guest.Memory.Holes.Add(_guest.Admin.Submission >> 12);
        _guest.Write(0x1000, 4, 1);
        Assert.Equal(NvmeRegisters.StatusReady | NvmeRegisters.StatusFatal, _guest.Status);
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        _guest.Start();
        _guest.Memory.Holes.Add(_guest.Admin.Completion >> 12);
        _guest.Submit(_guest.Admin, _guest.NewCommand(NvmeAdminOpcode.KeepAlive));
        Assert.Equal(NvmeRegisters.StatusReady | NvmeRegisters.StatusFatal, _guest.Status);
    }

    [Fact]
    public void A_shutdown_flushes_the_disk()
    {
        _guest.Start();
        _disk.Later = new Random(1);
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable | NvmeRegisters.ConfigShutdownNormal);
        Assert.Equal(1, _disk.Pending);
        Assert.True(_guest.Controller.IsBusy);
        // Reading the status lets the disk get on.
        Assert.Equal(NvmeRegisters.StatusReady | NvmeRegisters.StatusShutdownComplete, _guest.Status);
        Assert.Equal((BlockOperation.Flush, 0ul, 0ul, false), Assert.Single(_disk.Log));
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable & ~1u);
        Assert.Equal(0u, _guest.Status);
        _guest.Start();
    }

    [Fact]
    public void A_shutdown_can_come_with_the_reset_behind_it()
    {
        _guest.Start();
        _disk.Stuck = true;
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable | NvmeRegisters.ConfigShutdownAbrupt);
        Assert.Equal(NvmeRegisters.StatusReady | NvmeRegisters.StatusShutdownOccurring, _guest.Status);
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        Assert.Equal(NvmeRegisters.StatusReady | NvmeRegisters.StatusShutdownOccurring, _guest.Status);
        _disk.Stuck = false;
        Assert.Equal(0u, _guest.Status);
    }

    [Fact]
    public void Nothing_is_processed_before_bus_mastering_is_on()
    {
        _guest.Start();
        _guest.Controller.WriteConfig(PciRegister.Command, 2, PciRegister.CommandMemory);
        _guest.Submit(_guest.Admin, _guest.NewCommand(NvmeAdminOpcode.KeepAlive));
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        _guest.Controller.WriteConfig(PciRegister.Command, 2, PciRegister.CommandMemory | PciRegister.CommandBusMaster);
        Assert.True(_guest.TryReap(_guest.Admin, out _));
    }

    [Fact]
    public void A_controller_reset_forgets_queues_and_features_but_not_the_admin_queue_registers()
    {
        _guest.Start();
        _guest.CreateQueue(1);
        _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, NvmeFeature.VolatileWriteCache, 0);
        ulong address = _guest.Read(NvmeRegisters.AdminSubmissionQueue, 8);
        _guest.Write(NvmeRegisters.InterruptMaskSet, 4, 5);
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        Assert.Equal(0u, _guest.Read(NvmeRegisters.InterruptMaskSet, 4));
        Assert.Equal(address, _guest.Read(NvmeRegisters.AdminSubmissionQueue, 8));
        _guest.Start();
        Assert.Equal(1u, _guest.Execute(NvmeAdminOpcode.GetFeatures, NvmeFeature.VolatileWriteCache).Result);
        _guest.CreateQueue(1);
    }

    [Fact]
    public void A_power_on_reset_forgets_everything_even_with_commands_in_flight()
    {
        _guest.Start();
        GuestQueue queue = _guest.CreateQueue(1);
        _guest.UseMsix();
        _disk.Later = new Random(1);
        NvmeCommand read = _guest.NewCommand(NvmeIoOpcode.Read, 1);
        read.Prp1 = _guest.TakePages();
        _guest.Submit(queue, read);
        _guest.Controller.Reset();
        Assert.Equal(0, _disk.Pending);
        Assert.False(_guest.TryReap(queue, out _));
        Assert.Equal(0u, _guest.Status);
        Assert.Equal(0u, _guest.Read(NvmeRegisters.AdminSubmissionQueue, 8));
        Assert.False(_guest.Controller.Msix!.Enabled);
        Assert.False(_guest.Controller.IsBusMaster);
        _guest.Controller.WriteConfig(PciRegister.Command, 2, PciRegister.CommandMemory | PciRegister.CommandBusMaster);
        _guest.Start();
    }
}
