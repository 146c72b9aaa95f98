using System;
using System.Linq;
using Hv.Drivers.Block;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class ZeroWriterTests : IDisposable
{
    private const int Sectors = 700;

    private readonly DiskMemory _zeroPage = new(1, low: false);

    public void Dispose() => _zeroPage.Dispose();

    [Theory]
    [InlineData(512, 8, false)]
    [InlineData(512, 200, false)]
    [InlineData(512, 304, true)]
    [InlineData(4096, 128, true)]
    public void Exactly_the_range_becomes_zero(uint sectorSize, uint maxTransfer, bool later)
    {
        var random = new Random(7);
        var disk = new ModelDisk(Sectors, sectorSize, maxTransfer, zeroes: false) { Later = later ? random : null };
        var writer = new ZeroWriter(disk, new HostPhysical((ulong)_zeroPage.Start));
        for (int i = 0; i < 30; i++)
        {
            random.NextBytes(disk.Bytes);
            byte[] expected = (byte[])disk.Bytes.Clone();
            uint first = (uint)random.Next(Sectors);
            uint count = (uint)random.Next(1, Sectors + 1 - (int)first);
            var request = new BlockRequest(0);
            request.Prepare(BlockOperation.WriteZeroes, first, count);
            Assert.Equal(Status.Ok, writer.Execute(request));
            expected.AsSpan((int)(first * sectorSize), (int)(count * sectorSize)).Clear();
            Assert.True(expected.AsSpan().SequenceEqual(disk.Bytes));
        }
        Assert.True(disk.Log.All(entry => entry.Operation == BlockOperation.Write));
    }

    [Fact]
    public void Several_zeroings_wait_for_each_other_and_other_requests_do_not()
    {
        var disk = new ModelDisk(4096, zeroes: false) { Later = new Random(1) };
        Array.Fill(disk.Bytes, (byte)1);
        var writer = new ZeroWriter(disk, new HostPhysical((ulong)_zeroPage.Start));
        var requests = new BlockRequest[4];
        for (uint i = 0; i < 4; i++)
        {
            requests[i] = new BlockRequest(0);
            if (i == 3)
                requests[i].Prepare(BlockOperation.Flush, 0, 0);
            else
                requests[i].Prepare(BlockOperation.WriteZeroes, i * 1000, 900);
            writer.Submit(requests[i]);
        }
        Assert.Equal(2, disk.Pending);
        while (requests.Any(request => !request.IsDone))
            writer.Poll();
        Assert.All(requests, request => Assert.Equal(Status.Ok, request.Status));
        for (int sector = 0; sector < 3000; sector++)
            Assert.Equal(sector % 1000 < 900 ? 0 : 1, disk.Bytes[sector * 512]);
    }

    [Fact]
    public void An_error_or_an_abort_ends_the_zeroing()
    {
        var disk = new ModelDisk(4096, maxTransferSectors: 64, zeroes: false) { Fails = request => request.FirstSector >= 128 };
        var writer = new ZeroWriter(disk, new HostPhysical((ulong)_zeroPage.Start));
        var first = new BlockRequest(0);
        first.Prepare(BlockOperation.WriteZeroes, 0, 1000);
        Assert.Equal(Status.DeviceError, writer.Execute(first));
        Assert.Equal(3, disk.Log.Count);

        disk.Stuck = true;
        var second = new BlockRequest(0);
        first.Prepare(BlockOperation.WriteZeroes, 0, 8);
        second.Prepare(BlockOperation.WriteZeroes, 0, 8);
        writer.Submit(first);
        writer.Submit(second);
        writer.AbortAll(Status.Timeout);
        Assert.Equal(Status.Timeout, first.Status);
        Assert.Equal(Status.Timeout, second.Status);
    }
}
