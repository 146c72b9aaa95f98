using System;
using System.Text;
using Hv.Drivers.Ahci;
using Hv.Drivers.Ata;
using Hv.Drivers.Block;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class AhciDiskTests : IDisposable
{
    private readonly DiskPages _pages = new(64, low: true);
    private readonly TickingTime _time = new();
    private readonly AhciModel _model = new();

    public AhciDiskTests() => _time.Tick = _model.Tick;

    public void Dispose() => _pages.Dispose();

    private AhciController Reset(Status expected = Status.Ok)
    {
        var controller = new AhciController(_model, _time);
        Assert.Equal(expected, controller.Reset());
        return controller;
    }

    private AhciDisk Start(AtaDriveModel drive, Status expected = Status.Ok, int port = 2)
    {
        _model.Ports[port].Drive = drive;
        var disk = new AhciDisk(Reset(), _time, port);
        Assert.Equal(expected, disk.Initialize(_pages));
        return disk;
    }

    private static Status Transfer(AhciDisk disk, BlockOperation operation, ulong first, uint count)
    {
        using var memory = new DiskMemory(256, low: true);
        var request = new BlockRequest(4);
        request.Prepare(operation, first, count);
        if (operation is BlockOperation.Read or BlockOperation.Write)
            Assert.True(request.AddSegment(new HostPhysical((ulong)memory.Start), count * disk.SectorSize));
        return disk.Execute(request);
    }

    [Theory]
    [InlineData(true, true, 512, false)]
    [InlineData(true, false, 512, false)]
    [InlineData(false, true, 512, false)]
    [InlineData(false, true, 512, true)]
    [InlineData(true, true, 4096, false)]
    public void Random_traffic_agrees_with_an_array(bool has64, bool has48, int sectorSize, bool lowMemory)
    {
        _model.Has64 = has64;
        var drive = new AtaDriveModel(16 * 1024 * 512 / sectorSize, sectorSize) { Has48 = has48, HasForceUnitAccess = has48 };
        new Random(1).NextBytes(drive.Disk);
        AhciDisk disk = Start(drive);
        using var memory = new DiskMemory(1024, lowMemory);
        var traffic = new DiskTraffic(disk, drive.Disk, memory, 7);
        int[] depths = [1, 2, 9, 40];
        for (int round = 0; round < 24; round++)
            traffic.Batch(depths[round % depths.Length]);
        Assert.True(traffic.Expected.AsSpan().SequenceEqual(drive.Disk));
        Assert.Equal(128 * 1024, _model.Ports[2].LongestTransfer);
        Assert.Equal(1, _model.Resets);
        Assert.True(drive.Flushes > 0);
        Assert.Equal(has48, drive.ForcedWrites > 0);
    }

    [Fact]
    public void The_disk_says_who_it_is_and_where()
    {
        AhciDisk disk = Start(new AtaDriveModel(1000), port: 4);
        Assert.Equal("MODEL ATA DISK", Encoding.ASCII.GetString(disk.Identity.Model));
        Assert.Equal(DiskKind.Ahci, disk.Identity.Kind);
        Assert.Equal(4u, disk.Identity.Unit);
        Assert.Equal(1000ul, disk.SectorCount);
    }

    [Fact]
    public void A_controller_that_firmware_left_working_is_reset_first()
    {
        _model.HasHandoff = true;
        _model.LosesPorts = true;
        _model.Ports[2].LeaveRunning();
        Assert.Equal(Status.Ok, Transfer(Start(new AtaDriveModel(100)), BlockOperation.Read, 0, 8));
        Assert.Equal(AhciRegisters.HandoffOs, _model.Handoff);
    }

    [Fact]
    public void Firmware_that_does_not_let_go_is_overruled()
    {
        _model.HasHandoff = true;
        _model.FirmwareLetsGo = false;
        Assert.Equal(Status.Ok, Transfer(Start(new AtaDriveModel(100)), BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void Ports_without_a_disk_are_not_found()
    {
        AhciController controller = Reset();
        Assert.Equal(Status.NotFound, new AhciDisk(controller, _time, 0).Initialize(_pages));
        Assert.Equal(Status.NotFound, new AhciDisk(controller, _time, 3).Initialize(_pages));
        Assert.Equal(64ul, _pages.FreePages);
        Start(new AtaDriveModel(100) { IsPacketDevice = true }, Status.NotFound);
    }

    [Fact]
    public void A_failed_command_is_an_error_and_the_next_one_works()
    {
        var drive = new AtaDriveModel(100);
        AhciDisk disk = Start(drive);
        drive.Fault = command => command.Lba == 8;
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 8, 1));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 0, 8));
        Assert.Equal(0, _model.Ports[2].LinkResets);
    }

    [Fact]
    public void A_bus_error_is_an_error_and_the_next_command_works()
    {
        AhciDisk disk = Start(new AtaDriveModel(100));
        _model.Ports[2].FailsBus = true;
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 8, 1));
        _model.Ports[2].FailsBus = false;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 8, 1));
        Assert.Equal(1, _model.Ports[2].LinkResets);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_lost_command_times_out_and_the_link_is_reset(bool neverStops)
    {
        var drive = new AtaDriveModel(100);
        AhciDisk disk = Start(drive);
        _time.Step = 5_000_000;
        drive.Lose = _ => true;
        _model.Ports[2].NeverStops = neverStops;
        Assert.Equal(Status.Timeout, Transfer(disk, BlockOperation.Read, 0, 8));
        drive.Lose = null;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 0, 8));
        Assert.Equal(1, _model.Ports[2].LinkResets);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_disk_that_never_gets_ready_ends_in_a_status_not_in_a_hang(bool listOverride)
    {
        _time.Step = 50_000_000;
        _model.HasListOverride = listOverride;
        _model.Ports[2].StaysBusy = true;
        Start(new AtaDriveModel(100), Status.NotFound);
    }

    [Fact]
    public void A_reset_that_never_ends_times_out()
    {
        _time.Step = 5_000_000;
        _model.NeverResets = true;
        Reset(Status.Timeout);
    }

    [Fact]
    public void Aborting_completes_what_is_in_flight_and_what_waits()
    {
        AhciDisk disk = Start(new AtaDriveModel(100));
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
    public void Shutdown_flushes_and_stops_the_port()
    {
        var drive = new AtaDriveModel(100);
        AhciDisk disk = Start(drive);
        Assert.Equal(Status.Ok, disk.Shutdown());
        Assert.Equal(1, drive.Flushes);
        Assert.Equal(0u, _model.Ports[2].Read(AhciRegisters.PortCommand) & 0xC011);
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void After_a_sleep_in_which_the_controller_lost_everything_the_disk_works()
    {
        AhciDisk disk = Start(new AtaDriveModel(4096));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 7, 3));
        Assert.Equal(Status.Ok, disk.PrepareForSleep());
        _model.Ports[2].Reset();
        Assert.Equal(Status.Ok, disk.WakeUp());
        Assert.Equal(2, _model.Resets);
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 7, 3));
    }
}
