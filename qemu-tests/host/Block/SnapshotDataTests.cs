using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Shadow.Blocks;
using Xunit;

namespace Hv.HostTests;

/// <summary>Whose blocks win: data ranges, and the old primary's last view after the merge.</summary>
public sealed class SnapshotDataTests : IDisposable
{
    private const int DataFirst = 80, DataSectors = 160;

    private readonly ModelPool _pool = new(600);
    private readonly BlockBuffer _buffer = new();
    private readonly Random _random = new(13);
    private readonly ModelDisk _disk = new(1001);
    private readonly SnapshotDisk _snapshot;

    public SnapshotDataTests()
    {
        _random.NextBytes(_disk.Bytes);
        _snapshot = NewSnapshotDisk.Of(_disk, _pool);
        Assert.Equal(Status.Ok, _snapshot.DataRanges.Add(DataFirst, DataSectors));
        _snapshot.TakeSnapshot();
    }

    public void Dispose()
    {
        _pool.Dispose();
        _buffer.Dispose();
    }

    [Fact]
    public void The_primarys_writes_to_a_data_range_preserve_nothing_and_outlive_the_merge()
    {
        Write(_snapshot.PrimaryView, DataFirst, DataSectors / 2, 1);
        Assert.Equal(0, _pool.Taken);
        Write(_snapshot.PrimaryView, DataFirst - 8, 16, 2);
        Assert.Equal(1u, _snapshot.PreservedChunks);
        byte before = _disk.Bytes[0];
        Merge();
        Assert.Equal(2, _disk.Bytes[DataFirst * 512]);
        Assert.Equal(1, _disk.Bytes[(DataFirst + 8) * 512]);
        Assert.Equal(before, _disk.Bytes[0]);
        Assert.NotEqual(new byte[] { 2, 2, 2, 2 }, _disk.Bytes[((DataFirst - 8) * 512)..((DataFirst - 8) * 512 + 4)]);
    }

    [Fact]
    public void The_shadow_reads_data_ranges_as_they_are_now_and_may_not_write_them()
    {
        Write(_snapshot.PrimaryView, DataFirst, 8, 1);
        Assert.Equal(1, Read(_snapshot.ShadowView, DataFirst, 1)[0]);
        foreach ((uint first, uint count) in new (uint, uint)[] { (DataFirst, 8), (DataFirst - 1, 2), (DataFirst + DataSectors - 1, 1), (DataFirst - 8, DataSectors + 16) })
        {
            var request = new BlockRequest(0);
            request.Prepare(BlockOperation.WriteZeroes, first, count);
            Assert.Equal(Status.WriteProtected, _snapshot.ShadowView.Execute(request));
        }
        Write(_snapshot.ShadowView, DataFirst - 8, 8, 3);
        Write(_snapshot.ShadowView, DataFirst + DataSectors, 8, 3);
        Assert.Equal(2u, _snapshot.OverlayChunks);
        Assert.False(_snapshot.ShadowRanOutOfMemory);
    }

    [Fact]
    public void With_scratch_the_shadow_sees_its_own_writes_until_they_are_forgotten()
    {
        _snapshot.HasScratch = true;
        Write(_snapshot.ShadowView, DataFirst, 16, 4);
        Write(_snapshot.ShadowView, 0, 8, 5);
        Write(_snapshot.PrimaryView, DataFirst, 8, 6);
        Assert.Equal(4, Read(_snapshot.ShadowView, DataFirst, 1)[0]);
        Assert.Equal(6, Read(_snapshot.PrimaryView, DataFirst, 1)[0]);
        Assert.Equal(Status.Ok, _snapshot.ForgetScratch());
        Assert.Equal(6, Read(_snapshot.ShadowView, DataFirst, 1)[0]);
        Assert.Equal(5, Read(_snapshot.ShadowView, 0, 1)[0]);
        Assert.Equal(1u, _snapshot.OverlayChunks);
        Assert.Equal((ulong)_pool.Taken, _snapshot.PagesInUse);
    }

    [Fact]
    public void The_merge_drops_what_is_scratch()
    {
        byte[] old = _disk.Bytes[(DataFirst * 512)..((DataFirst + DataSectors) * 512)];
        _snapshot.HasScratch = true;
        Write(_snapshot.ShadowView, DataFirst - 8, 24, 4);
        Merge();
        Assert.Equal(4, _disk.Bytes[(DataFirst - 1) * 512]);
        Assert.Equal(old, _disk.Bytes[(DataFirst * 512)..((DataFirst + DataSectors) * 512)]);
        Assert.Equal(Status.InvalidState, _snapshot.ForgetScratch());
    }

    [Fact]
    public void The_last_view_is_the_disk_as_the_old_primary_left_it()
    {
        Write(_snapshot.PrimaryView, 400, 40, 1);
        Write(_snapshot.ShadowView, 420, 40, 2);
        Write(_snapshot.ShadowView, 600, 8, 2);
        var zero = new BlockRequest(0);
        zero.Prepare(BlockOperation.WriteZeroes, 700, 40);
        Assert.Equal(Status.Ok, _snapshot.ShadowView.Execute(zero));
        byte[] last = (byte[])_disk.Bytes.Clone();
        Assert.Equal(Status.Ok, _snapshot.Kept.Keep(ulong.MaxValue));
        Merge();
        Assert.Equal(2, _disk.Bytes[425 * 512]);
        Write(_snapshot.PrimaryView, 300, 200, 9);
        Write(_snapshot.PrimaryView, DataFirst, 8, 9);
        last.AsSpan(DataFirst * 512, 8 * 512).Fill(9);
        for (uint at = 0; at < 1001; at += 100)
        {
            uint count = Math.Min(100, 1001 - at);
            Assert.Equal(last[(int)(at * 512)..(int)((at + count) * 512)], Read(_snapshot.PrimaryLastView, at, count));
        }
        Assert.Equal((ulong)_pool.Taken, _snapshot.PagesInUse);
        // The next snapshot gets along with it.
        Assert.Equal(Status.Ok, _snapshot.TakeSnapshot());
        Write(_snapshot.PrimaryView, 0, 8, 8);
        Assert.Equal(last[..512], Read(_snapshot.PrimaryLastView, 0, 1));
        Assert.Equal(Status.Ok, _snapshot.Discard());
        _snapshot.Kept.Release();
        Assert.Equal(0, _pool.Taken);
    }

    private void Merge()
    {
        Assert.Equal(Status.Ok, _snapshot.BeginMerge());
        Assert.Equal(Status.Ok, _snapshot.MergeStep(uint.MaxValue));
    }

    private void Write(BlockDevice view, ulong first, uint sectors, byte value)
    {
        _buffer.Prepare(_random, BlockOperation.Write, first, sectors, 512);
        byte[] data = new byte[sectors * 512];
        Array.Fill(data, value);
        _buffer.Write(data);
        Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
    }

    private byte[] Read(BlockDevice view, ulong first, uint sectors)
    {
        _buffer.Prepare(_random, BlockOperation.Read, first, sectors, 512);
        Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
        return _buffer.Read();
    }
}
