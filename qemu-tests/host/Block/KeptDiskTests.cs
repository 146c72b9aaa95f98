using System;
using System.Linq;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Shadow.Blocks;
using Xunit;

namespace Hv.HostTests;

public sealed class KeptDiskTests : IDisposable
{
    private readonly ModelPool _pool = new(300);
    private readonly BlockBuffer _buffer = new();
    private readonly Random _random = new(3);
    private readonly ModelDisk _disk = new(1001);
    private readonly BlockRanges _live = new(8, 1001);
    private readonly KeptDisk _kept;
    private readonly byte[] _old;

    public KeptDiskTests()
    {
        _random.NextBytes(_disk.Bytes);
        _old = (byte[])_disk.Bytes.Clone();
        _live.Add(800, 80);
        _kept = new KeptDisk(_disk, _pool, _live);
    }

    public void Dispose()
    {
        _pool.Dispose();
        _buffer.Dispose();
    }

    [Fact]
    public void Without_anything_kept_the_very_request_goes_to_the_disk()
    {
        Write(3, 17, 1);
        Assert.Same(_buffer.Request, Assert.Single(_disk.Seen));
        Assert.Equal(0, _pool.Taken);
    }

    [Fact]
    public void Without_anything_kept_the_view_fails()
    {
        _buffer.Prepare(_random, BlockOperation.Read, 0, 8, 512);
        Assert.Equal(Status.DeviceError, _kept.View.Execute(_buffer.Request));
        Assert.Empty(_disk.Log);
    }

    [Fact]
    public void The_view_cannot_be_written()
    {
        _kept.Keep(ulong.MaxValue);
        _buffer.Prepare(_random, BlockOperation.Write, 0, 8, 512);
        Assert.Equal(Status.WriteProtected, _kept.View.Execute(_buffer.Request));
        Assert.Equal(Status.WriteProtected, Execute(_kept.View, BlockOperation.WriteZeroes, 0, 8));
        Assert.Equal(Status.Ok, Execute(_kept.View, BlockOperation.Flush, 0, 0));
        Assert.Equal(_old, _disk.Bytes);
        Assert.Empty(_disk.Log);
    }

    [Fact]
    public void Old_contents_are_read_once_and_shown_until_they_are_released()
    {
        _kept.Keep(ulong.MaxValue);
        Assert.Equal(Status.InvalidState, _kept.Keep(1));
        Write(4, 8, 1);
        Write(0, 16, 2);
        Assert.Equal(Status.Ok, Execute(_kept, BlockOperation.WriteZeroes, 992, 9));
        Assert.Equal([BlockOperation.Read, BlockOperation.Write, BlockOperation.Write, BlockOperation.Read, BlockOperation.WriteZeroes], _disk.Log.Select(entry => entry.Operation));
        Assert.Equal(4u, _kept.KeptChunks);
        Assert.Equal((ulong)_pool.Taken, _kept.PagesInUse);
        Assert.Equal(_old[..(100 * 512)], Read(_kept.View, 0, 100));
        Assert.Equal(_old[(990 * 512)..], Read(_kept.View, 990, 11));
        Assert.Equal(0, _disk.Bytes[1000 * 512]);
        _kept.Release();
        Assert.Equal(0, _pool.Taken);
        Assert.Equal(KeptState.None, _kept.State);
    }

    [Fact]
    public void Live_ranges_are_not_kept()
    {
        _kept.Keep(ulong.MaxValue);
        Write(808, 16, 7);
        Assert.Equal(Status.Ok, Execute(_kept, BlockOperation.Discard, 800, 8));
        Assert.Equal([BlockOperation.Write, BlockOperation.Discard], _disk.Log.Select(entry => entry.Operation));
        Assert.Equal(0, _pool.Taken);
        Assert.Equal(7, Read(_kept.View, 810, 1)[0]);
    }

    [Fact]
    public void A_discard_is_dropped_while_something_is_kept()
    {
        _kept.Keep(ulong.MaxValue);
        Assert.Equal(Status.Ok, Execute(_kept, BlockOperation.Discard, 796, 8));
        Assert.Empty(_disk.Log);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(int.MaxValue)]
    public void Without_room_the_view_is_lost_and_the_writer_does_not_notice(int most)
    {
        var pool = new ModelPool(10);
        var kept = new KeptDisk(_disk, pool, _live);
        kept.Keep((ulong)most);
        _buffer.Prepare(_random, BlockOperation.Write, 0, 160, 512);
        _buffer.Write(new byte[160 * 512]);
        Assert.Equal(Status.Ok, kept.Execute(_buffer.Request));
        Assert.Equal(KeptState.Lost, kept.State);
        Assert.Equal(0, pool.Taken);
        Assert.Equal(0, _disk.Bytes[159 * 512]);
        _buffer.Prepare(_random, BlockOperation.Read, 500, 8, 512);
        Assert.Equal(Status.DeviceError, kept.View.Execute(_buffer.Request));
        kept.Release();
        Assert.Equal(Status.Ok, kept.Keep(1));
    }

    [Fact]
    public void An_unreadable_sector_loses_the_view_and_not_the_write()
    {
        _kept.Keep(ulong.MaxValue);
        _disk.Fails = request => request.Operation == BlockOperation.Read;
        Write(0, 8, 1);
        Assert.Equal(KeptState.Lost, _kept.State);
        Assert.Equal(1, _disk.Bytes[0]);
    }

    [Fact]
    public void What_an_abort_kept_from_being_read_is_not_shown()
    {
        _kept.Keep(ulong.MaxValue);
        _disk.Stuck = true;
        var requests = new BlockRequest[3];
        for (uint i = 0; i < requests.Length; i++)
        {
            requests[i] = new BlockRequest(0);
            requests[i].Prepare(BlockOperation.WriteZeroes, i * 16, 8);
            _kept.Submit(requests[i]);
        }
        _kept.AbortAll(Status.Timeout);
        Assert.All(requests, request => Assert.Equal(Status.Timeout, request.Status));
        Assert.Equal(KeptState.Lost, _kept.State);
        Assert.Equal(0, _pool.Taken);
        _disk.Stuck = false;
        _kept.Release();
        Write(0, 8, 1);
        Assert.Equal(1, _disk.Bytes[0]);
    }

    private void Write(ulong first, uint sectors, byte value)
    {
        _buffer.Prepare(_random, BlockOperation.Write, first, sectors, 512);
        byte[] data = new byte[sectors * 512];
        Array.Fill(data, value);
        _buffer.Write(data);
        Assert.Equal(Status.Ok, _kept.Execute(_buffer.Request));
    }

    private byte[] Read(BlockDevice view, ulong first, uint sectors)
    {
        _buffer.Prepare(_random, BlockOperation.Read, first, sectors, 512);
        Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
        return _buffer.Read();
    }

    private static Status Execute(BlockDevice view, BlockOperation operation, ulong first, ulong sectors)
    {
        var request = new BlockRequest(0);
        request.Prepare(operation, first, sectors);
        return view.Execute(request);
    }
}
