using System;
using System.Text;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Real;
using Hv.Drivers.Nvme.Spec;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class RealNvmeTests : IDisposable
{
    private readonly DiskPages _pages = new(256);
    private readonly DiskMemory _memory = new(2048, low: false);
    private readonly TickingTime _time = new();

    public void Dispose()
    {
        _pages.Dispose();
        _memory.Dispose();
    }

    private NvmeDisk Start(RealNvmeModel model, Status expected = Status.Ok)
    {
        var disk = new NvmeDisk(model, _time, 1);
        _time.Tick = model.Tick;
        Assert.Equal(expected, disk.Initialize(_pages));
        return disk;
    }

    private Status Transfer(NvmeDisk disk, BlockOperation operation, ulong first, uint count)
    {
        var request = new BlockRequest(4);
        request.Prepare(operation, first, count);
        if (operation is BlockOperation.Read or BlockOperation.Write)
            Assert.True(request.AddSegment(new HostPhysical((ulong)_memory.Start), count * disk.SectorSize));
        return disk.Execute(request);
    }

    [Theory]
    [InlineData(512, 5, 1, 0, false)]
    [InlineData(512, 8, 2, 3, true)]
    [InlineData(512, 0, 3, 0, true)]
    [InlineData(4096, 6, 4, 2, true)]
    public void Random_traffic_agrees_with_an_array(int sectorSize, int transferShift, int seed, int stride, bool shuffle)
    {
        var model = new RealNvmeModel(64 * 1024 * 512 / sectorSize, sectorSize)
        {
            MaxTransferShift = transferShift,
            DoorbellStrideShift = stride,
            Shuffle = shuffle ? new Random(seed) : null,
        };
        new Random(seed).NextBytes(model.Disk);
        NvmeDisk disk = Start(model);
        Assert.Equal((uint)sectorSize, disk.SectorSize);
        Assert.Equal((ulong)(model.Disk.Length / sectorSize), disk.SectorCount);
        var traffic = new DiskTraffic(disk, model.Disk, _memory, seed);
        int[] depths = [1, 2, 7, 63, 64, 200, 5];
        for (int round = 0; round < 21; round++)
            traffic.Batch(depths[round % depths.Length]);
        Assert.True(traffic.Expected.AsSpan().SequenceEqual(model.Disk));
        Assert.Equal(63, model.MostInFlight);
        Assert.True(model.Flushes > 0 && model.ForcedWrites > 0);
    }

    [Fact]
    public void The_longest_transfer_at_an_odd_start_needs_the_whole_list()
    {
        var model = new RealNvmeModel(4096, 512) { MaxTransferShift = 0 };
        NvmeDisk disk = Start(model);
        Assert.Equal(2048u, disk.MaxTransferSectors);
        var request = new BlockRequest(300);
        request.Prepare(BlockOperation.Write, 17, 2048);
        for (int left = 1 << 20, page = 600; left > 0; page -= 2)
        {
            int from = page == 600 ? 4092 : 0;
            int part = Math.Min(4096 - from, left);
            new Span<byte>(_memory.Page(page) + from, part).Fill((byte)page);
            Assert.True(request.AddSegment(new HostPhysical((ulong)_memory.Page(page) + (ulong)from), (uint)part));
            left -= part;
        }
        Assert.Equal(Status.Ok, disk.Execute(request));
        Assert.Equal(unchecked((byte)600), model.Disk[17 * 512]);
        Assert.Equal(unchecked((byte)598), model.Disk[17 * 512 + 4]);
        Assert.Equal(unchecked((byte)(600 - 2 * 256)), model.Disk[17 * 512 + (1 << 20) - 1]);
    }

    [Fact]
    public void The_disk_says_who_it_is()
    {
        NvmeDisk disk = Start(new RealNvmeModel(100, 4096));
        Assert.Equal("MODEL DISK", Encoding.ASCII.GetString(disk.Identity.Model));
        Assert.Equal("S-0001", Encoding.ASCII.GetString(disk.Identity.Serial));
        Assert.Equal("1.0", Encoding.ASCII.GetString(disk.Identity.Firmware));
        Assert.Equal(DiskKind.Nvme, disk.Identity.Kind);
        Assert.Equal(1u, disk.Identity.Unit);
    }

    [Fact]
    public void A_controller_that_firmware_left_enabled_is_reset_first()
    {
        var model = new RealNvmeModel(100, 512);
        model.LeaveEnabled();
        Assert.Equal(Status.Ok, Transfer(Start(model), BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void A_small_queue_limit_is_kept()
    {
        var model = new RealNvmeModel(64 * 1024, 512) { QueueEntriesLimit = 4 };
        NvmeDisk disk = Start(model);
        new DiskTraffic(disk, model.Disk, _memory, 5).Batch(50);
        Assert.Equal(3, model.MostInFlight);
    }

    [Fact]
    public void The_longest_zeroing_and_discarding_take_one_command()
    {
        var model = new RealNvmeModel(200_000, 512);
        NvmeDisk disk = Start(model);
        model.Disk.AsSpan().Fill(7);
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.WriteZeroes, 3, BlockDevice.MaxZeroSectors));
        Assert.Equal(1, model.Commands);
        Assert.Equal(3 * 512, model.Disk.AsSpan().IndexOf((byte)0));
        Assert.Equal((3 + 65536) * 512, 3 * 512 + model.Disk.AsSpan(3 * 512).IndexOf((byte)7));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Discard, 0, 200_000));
        Assert.Equal(1, model.Discards);
    }

    [Fact]
    public void What_the_controller_cannot_do_is_not_sent()
    {
        var model = new RealNvmeModel(100, 512) { OptionalCommands = 0, WriteCache = 0 };
        NvmeDisk disk = Start(model);
        Assert.False(disk.CanWriteZeroes);
        Assert.Equal(Status.Unsupported, Transfer(disk, BlockOperation.WriteZeroes, 0, 10));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Discard, 0, 10));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Flush, 0, 0));
        Assert.Equal(0, model.Commands);
    }

    [Fact]
    public void A_failed_command_is_an_error_and_the_next_one_works()
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        model.Fault = command => command.Opcode == NvmeIoOpcode.Read ? NvmeStatus.UnrecoveredReadError : (ushort)0;
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 0, 8));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 0, 8));
        model.Fault = command => NvmeStatus.InvalidField;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Discard, 0, 8));
    }

    [Fact]
    public void A_lost_command_times_out_and_the_controller_is_started_again()
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        _time.Step = 10_000_000;
        model.Lose = command => command.Opcode == NvmeIoOpcode.Read;
        Assert.Equal(Status.Timeout, Transfer(disk, BlockOperation.Read, 0, 8));
        model.Lose = null;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 0, 8));
    }

    [Fact]
    public void Polling_alone_notices_a_lost_command()
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        _time.Step = 10_000_000;
        model.Lose = _ => true;
        var request = new BlockRequest(1);
        request.Prepare(BlockOperation.Flush, 0, 0);
        disk.Submit(request);
        for (int polls = 0; !request.IsDone && polls < 10_000; polls++)
            disk.Poll();
        Assert.Equal(Status.Timeout, request.Status);
    }

    [Fact]
    public void Aborting_completes_what_is_in_flight_and_what_waits()
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        _time.Tick = null;
        var requests = new BlockRequest[100];
        for (int index = 0; index < requests.Length; index++)
        {
            requests[index] = new BlockRequest(1);
            requests[index].Prepare(BlockOperation.Flush, 0, 0);
            disk.Submit(requests[index]);
        }
        Assert.Equal(63, model.Commands);
        _time.Tick = model.Tick;
        model.Lose = command => command.Opcode == NvmeIoOpcode.Flush;
        disk.AbortAll(Status.Aborted);
        Assert.All(requests, request => Assert.Equal(Status.Aborted, request.Status));
        Assert.Equal(63, model.Commands);
        model.Lose = null;
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 0, 1));
    }

    [Fact]
    public void Shutdown_is_announced_and_leaves_the_controller_reset()
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        Assert.Equal(Status.Ok, disk.Shutdown());
        Assert.True(model.WasShutDown);
        Assert.False(model.IsEnabled);
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 0, 1));
    }

    [Fact]
    public void A_controller_that_misbehaves_ends_in_a_status_not_in_a_hang()
    {
        _time.Step = 1_000_000;
        Start(new RealNvmeModel(100, 512) { NeverReady = true }, Status.Timeout);
        var stuck = new RealNvmeModel(100, 512) { NeverIdle = true };
        stuck.LeaveEnabled();
        Start(stuck, Status.Timeout);
        Start(new RealNvmeModel(100, 512) { FatalOnEnable = true }, Status.DeviceError);
    }

    [Theory]
    [InlineData(NvmeAdminOpcode.Identify)]
    [InlineData(NvmeAdminOpcode.CreateSubmissionQueue)]
    public void A_lost_admin_command_times_out(byte opcode)
    {
        _time.Step = 1_000_000;
        Start(new RealNvmeModel(100, 512) { Lose = command => command.Opcode == opcode }, Status.Timeout);
    }

    [Fact]
    public void Strange_disks_are_refused()
    {
        Start(new RealNvmeModel(100, 2048), Status.Unsupported);
    }

    [Fact]
    public void Metadata_is_refused() => Start(new RealNvmeModel(100, 512) { MetadataBytes = 8 }, Status.Unsupported);

    [Fact]
    public void An_absent_namespace_is_not_found()
    {
        var model = new RealNvmeModel(100, 512);
        _time.Tick = model.Tick;
        Assert.Equal(Status.NotFound, new NvmeDisk(model, _time, 2).Initialize(_pages));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_a_sleep_the_disk_works_whether_the_power_was_lost_or_not(bool isLost)
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 3, 2));
        Assert.Equal(Status.Ok, disk.PrepareForSleep());
        Assert.True(model.WasShutDown);
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 3, 2));
        if (isLost)
        {
            model.WriteMmio(NvmeRegisters.AdminSubmissionQueue, 4, 0);
            model.WriteMmio(NvmeRegisters.AdminCompletionQueue, 4, 0);
            model.WriteMmio(NvmeRegisters.AdminQueueAttributes, 4, 0);
        }
        Assert.Equal(Status.Ok, disk.WakeUp());
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Read, 3, 2));
        Assert.Equal(Status.Ok, Transfer(disk, BlockOperation.Write, 50, 1));
    }

    [Fact]
    public void A_controller_that_does_not_come_back_from_sleep_is_reported()
    {
        var model = new RealNvmeModel(100, 512);
        NvmeDisk disk = Start(model);
        _time.Step = 1_000_000;
        Assert.Equal(Status.Ok, disk.PrepareForSleep());
        model.NeverReady = true;
        Assert.Equal(Status.Timeout, disk.WakeUp());
        Assert.Equal(Status.DeviceError, Transfer(disk, BlockOperation.Read, 0, 1));
    }
}
