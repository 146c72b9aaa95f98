using System;
using System.Text;
using Hv.Drivers.Ata;
using Hv.Drivers.Block;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class IdeDiskTests : IDisposable
{
    private readonly DiskPages _pages = new(64, low: true);
    private readonly TickingTime _time = new();
    private readonly IdeChannelModel _channel = new();

    public IdeDiskTests() => _time.Tick = _channel.Tick;

    public void Dispose() => _pages.Dispose();

    private IdeDisk Start(AtaDriveModel drive, Status expected = Status.Ok, int number = 0)
    {
        _channel.Drives[number] = drive;
        var ports = new IdePorts(0x1F0, 0x3F6, _channel.HasMaster ? IdeChannelModel.MasterBase : (ushort)0);
        var disk = new IdeDisk(_channel, ports, _time, 0, number);
        Assert.Equal(expected, disk.Initialize(_pages));
        return disk;
    }

    private static Status Transfer(IdeDisk disk, BlockOperation operation, ulong first, uint count, bool force = false)
    {
        using var memory = new DiskMemory(256, low: true);
        var request = new BlockRequest(4);
        request.Prepare(operation, first, count);
        request.ForceUnitAccess = force;
        if (operation is BlockOperation.Read or BlockOperation.Write)
            Assert.True(request.AddSegment(new HostPhysical((ulong)memory.Start), count * disk.SectorSize));
        return disk.Execute(request);
    }

    [Theory]
    [InlineData(true, true, true, 512, true)]
    [InlineData(true, true, true, 512, false)]
    [InlineData(true, true, false, 512, false)]
    [InlineData(true, false, true, 512, true)]
    [InlineData(false, true, true, 512, false)]
    [InlineData(false, false, true, 512, true)]
    [InlineData(true, true, true, 4096, false)]
    [InlineData(false, true, true, 4096, false)]
    public void Random_traffic_agrees_with_an_array(bool master, bool has48, bool driveDma, int sectorSize, bool lowMemory)
    {
        _channel.HasMaster = master;
        var drive = new AtaDriveModel(16 * 1024 * 512 / sectorSize, sectorSize) { Has48 = has48, HasDma = driveDma, HasForceUnitAccess = has48 && driveDma };
        new Random(1).NextBytes(drive.Disk);
        IdeDisk disk = Start(drive);
        using var memory = new DiskMemory(1024, lowMemory);
        var traffic = new DiskTraffic(disk, drive.Disk, memory, 7);
        int[] depths = [1, 2, 9, 40];
        for (int round = 0; round < (master && driveDma ? 24 : 4); round++)
            traffic.Batch(depths[round % depths.Length]);
        Assert.True(traffic.Expected.AsSpan().SequenceEqual(drive.Disk));
        Assert.Equal(128 * 1024, _channel.LongestTransfer);
        Assert.Equal(1, _channel.Resets);
        Assert.True(drive.Flushes > 0);
        Assert.Equal(has48 && master && driveDma, drive.ForcedWrites > 0);
    }

    [Fact]
    public void The_disk_says_who_it_is()
    {
        IdeDisk disk = Start(new AtaDriveModel(1000), number: 1);
        Assert.Equal("MODEL ATA DISK", Encoding.ASCII.GetString(disk.Identity.Model));
        Assert.Equal("SN-42", Encoding.ASCII.GetString(disk.Identity.Serial));
        Assert.Equal("FW1", Encoding.ASCII.GetString(disk.Identity.Firmware));
        Assert.Equal(DiskKind.Ata, disk.Identity.Kind);
        Assert.Equal(1u, disk.Identity.Unit);
        Assert.Equal(1000ul, disk.SectorCount);
        Assert.Equal(512u, disk.SectorSize);
        Assert.False(disk.CanWriteZeroes);
    }

    [Fact]
    public void Memory_that_crosses_64_KiB_is_split()
    {
        var drive = new AtaDriveModel(4096);
        new Random(3).NextBytes(drive.Disk);
        IdeDisk disk = Start(drive);
        using var memory = new DiskMemory(512, low: true);
        var request = new BlockRequest(2);
        request.Prepare(BlockOperation.Read, 1, 2048);
        Assert.True(request.AddSegment(new HostPhysical((ulong)memory.Start + 0x1234), 2048 * 512));
        Assert.Equal(Status.Ok, disk.Execute(request));
        Assert.True(memory.Bytes.Slice(0x1234, 2048 * 512).SequenceEqual(drive.Disk.AsSpan(512, 2048 * 512)));
    }

    [Fact]
    public void Forced_writes_are_followed_by_a_flush_where_the_drive_has_no_command_for_them()
    {
        var drive = new AtaDriveModel(4096) { HasForceUnitAccess = false };
        IdeDisk disk = Start(drive);
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 0, 1024, force: true));
        Assert.Equal(1, drive.Flushes);
        Assert.Equal(AtaCommand.FlushCacheExt, drive.LastCommand);
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 0, 8, force: true));
        Assert.Equal(1, drive.Flushes);
    }

    [Fact]
    public void What_the_drive_cannot_do_is_not_sent()
    {
        var drive = new AtaDriveModel(4096) { HasFlush = false };
        IdeDisk disk = Start(drive);
        int commands = drive.Commands;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Flush, 0, 0));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Discard, 0, 100));
        Assert.Equal(Status.Unsupported, Transfer(disk, BlockOperation.WriteZeroes, 0, 100));
        Assert.Equal(commands, drive.Commands);
    }

    [Fact]
    public void A_channel_that_firmware_left_in_a_transfer_is_reset_first()
    {
        _channel.LeaveInTransfer();
        Assert.Equal(Status.Ok, Transfer(Start(new AtaDriveModel(100)), BlockOperation.Read, 0, 8));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_failed_command_is_an_error_and_the_next_one_works(bool master)
    {
        _channel.HasMaster = master;
        var drive = new AtaDriveModel(100);
        IdeDisk disk = Start(drive);
        drive.Fault = command => command.Lba == 8;
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 8, 1));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 0, 8));
        Assert.Equal(2, _channel.Resets);
    }

    [Fact]
    public void A_bus_master_error_is_an_error()
    {
        IdeDisk disk = Start(new AtaDriveModel(100));
        _channel.FailsDma = true;
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 8, 1));
        _channel.FailsDma = false;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 8, 1));
    }

    [Fact]
    public void A_lost_command_times_out_and_the_channel_is_reset()
    {
        var drive = new AtaDriveModel(100);
        IdeDisk disk = Start(drive);
        _time.Step = 10_000_000;
        drive.Lose = _ => true;
        Assert.Equal(Status.Timeout, Transfer(disk, BlockOperation.Read, 0, 8));
        drive.Lose = null;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void A_drive_that_stays_busy_ends_in_errors_not_in_a_hang()
    {
        var drive = new AtaDriveModel(100);
        IdeDisk disk = Start(drive);
        _time.Step = 10_000_000;
        drive.Lose = _ => true;
        _channel.StaysBusyAfterReset = true;
        var requests = new BlockRequest[5];
        for (int index = 0; index < requests.Length; index++)
        {
            requests[index] = new BlockRequest(1);
            requests[index].Prepare(BlockOperation.Flush, 0, 0);
            disk.Submit(requests[index]);
        }
        for (int polls = 0; !requests[4].IsDone && polls < 100_000; polls++)
            disk.Poll();
        Assert.Equal(Status.Timeout, requests[0].Status);
        Assert.Equal(Status.DeviceError, requests[4].Status);
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Flush, 0, 0));
    }

    [Fact]
    public void Aborting_completes_what_is_in_flight_and_what_waits()
    {
        var drive = new AtaDriveModel(100);
        IdeDisk disk = Start(drive);
        var requests = new BlockRequest[5];
        for (int index = 0; index < requests.Length; index++)
        {
            requests[index] = new BlockRequest(1);
            requests[index].Prepare(BlockOperation.Flush, 0, 0);
            disk.Submit(requests[index]);
        }
        disk.AbortAll(Status.Aborted);
        Assert.All(requests, request => Assert.Equal(Status.Aborted, request.Status));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void Shutdown_flushes()
    {
        var drive = new AtaDriveModel(100);
        IdeDisk disk = Start(drive);
        Assert.Equal(Status.Ok, disk.Shutdown());
        Assert.Equal(1, drive.Flushes);
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void Absent_drives_are_not_found_and_take_no_memory()
    {
        var ports = new IdePorts(0x1F0, 0x3F6, IdeChannelModel.MasterBase);
        Assert.Equal(Status.NotFound, new IdeDisk(_channel, ports, _time, 0, 0).Initialize(_pages));
        _channel.Drives[0] = new AtaDriveModel(100);
        Assert.Equal(Status.NotFound, new IdeDisk(_channel, ports, _time, 0, 1).Initialize(_pages));
        Assert.Equal(64ul, _pages.FreePages);
    }

    [Fact]
    public void Packet_devices_are_not_found() => Start(new AtaDriveModel(100) { IsPacketDevice = true }, Status.NotFound);

    [Fact]
    public void Pages_above_4_GiB_are_no_use()
    {
        _channel.Drives[0] = new AtaDriveModel(100);
        using var pages = new DiskPages(64, low: false);
        var disk = new IdeDisk(_channel, new IdePorts(0x1F0, 0x3F6, IdeChannelModel.MasterBase), _time, 0, 0);
        Assert.Equal(Status.OutOfMemory, disk.Initialize(pages));
    }

    [Fact]
    public void Ports_come_from_the_mode_and_the_bars()
    {
        var bus = new PciBusModel();
        PciFunctionModel model = bus.Add(0, 1, 1, new PciFunctionModel(0x8086, 0x7010, 0x010180));
        model.AddBar(4, PciRegister.BarIo, 16, 0xC000);
        var host = new PortPciHost(bus.Ports);
        var info = new PciFunctionInfo();
        info.Read(host, new PciAddress(0, 1, 1), new PciAddress(0, 1, 1), sizeBars: false);
        Check(IdePorts.Of(info, 0), 0x1F0, 0x3F6, 0xC000);
        Check(IdePorts.Of(info, 1), 0x170, 0x376, 0xC008);

        model.Put(PciConfig.ClassRevision, 4, 0x0101_0500u);
        model.AddBar(0, PciRegister.BarIo, 8, 0xD000);
        model.AddBar(1, PciRegister.BarIo, 4, 0xD100);
        model.AddBar(2, PciRegister.BarIo, 8, 0xD200);
        model.AddBar(3, PciRegister.BarIo, 4, 0xD300);
        info.Read(host, new PciAddress(0, 1, 1), new PciAddress(0, 1, 1), sizeBars: false);
        Check(IdePorts.Of(info, 0), 0xD000, 0xD102, 0);
        Check(IdePorts.Of(info, 1), 0xD200, 0xD302, 0);
    }

    private static void Check(IdePorts ports, int command, int control, int master)
    {
        Assert.Equal(command, ports.Command);
        Assert.Equal(control, ports.Control);
        Assert.Equal(master, ports.BusMaster);
    }
}
