using System;
using System.Linq;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Shadow.Blocks;
using Xunit;

namespace Hv.HostTests;

public sealed class SnapshotDiskTests : IDisposable
{
    private const int PoolPages = 600;

    private readonly ModelPool _pool = new(PoolPages);
    private readonly BlockBuffer _buffer = new();
    private readonly Random _random = new(11);
    private readonly ModelDisk _disk = new(1001);
    private readonly SnapshotDisk _snapshot;

    public SnapshotDiskTests()
    {
        _random.NextBytes(_disk.Bytes);
        _snapshot = new SnapshotDisk(_disk, _pool);
    }

    public void Dispose()
    {
        _pool.Dispose();
        _buffer.Dispose();
    }

    [Fact]
    public void Without_a_snapshot_the_very_request_goes_to_the_disk()
    {
        Write(_snapshot.PrimaryView, 3, 17, 1);
        Assert.Same(_buffer.Request, Assert.Single(_disk.Seen));
        Assert.Equal(PoolPages, (int)_pool.FreePages);
    }

    [Fact]
    public void Without_a_snapshot_the_shadow_has_no_disk()
    {
        _buffer.Prepare(_random, BlockOperation.Read, 0, 8, 512);
        Assert.Equal(Status.InvalidState, _snapshot.ShadowView.Execute(_buffer.Request));
        Assert.Equal(Status.InvalidState, _snapshot.Discard());
        Assert.Equal(Status.InvalidState, _snapshot.BeginMerge());
        Assert.Equal(Status.InvalidState, _snapshot.MergeStep(1));
        Assert.Empty(_disk.Log);
    }

    [Fact]
    public void Reads_of_the_primary_go_straight_through_while_there_is_a_snapshot()
    {
        _snapshot.TakeSnapshot();
        _buffer.Prepare(_random, BlockOperation.Read, 5, 20, 512);
        Assert.Equal(Status.Ok, _snapshot.PrimaryView.Execute(_buffer.Request));
        Assert.Same(_buffer.Request, Assert.Single(_disk.Seen));
    }

    [Fact]
    public void Old_contents_are_preserved_once()
    {
        _snapshot.TakeSnapshot();
        byte[] old = _disk.Bytes[..4096];
        Write(_snapshot.PrimaryView, 0, 4, 1);
        Write(_snapshot.PrimaryView, 2, 4, 2);
        Assert.Equal(1u, _snapshot.PreservedChunks);
        Assert.Equal(new[] { BlockOperation.Read, BlockOperation.Write, BlockOperation.Write }, _disk.Log.Select(entry => entry.Operation));
        Assert.Equal(old, Read(_snapshot.ShadowView, 0, 8));
    }

    [Fact]
    public void What_the_shadow_has_overwritten_is_not_preserved()
    {
        _snapshot.TakeSnapshot();
        Write(_snapshot.ShadowView, 0, 8, 5);
        Write(_snapshot.PrimaryView, 0, 8, 6);
        Assert.Equal(0u, _snapshot.PreservedChunks);
        Assert.Equal(1u, _snapshot.OverlayChunks);
        Assert.Equal(5, Read(_snapshot.ShadowView, 0, 1)[0]);
        Assert.Equal(6, Read(_snapshot.PrimaryView, 0, 1)[0]);
    }

    [Fact]
    public void Zeroed_chunks_take_no_page()
    {
        _snapshot.TakeSnapshot();
        Write(_snapshot.ShadowView, 0, 80, 5);
        ulong free = _pool.FreePages;
        Assert.Equal(Status.Ok, Execute(_snapshot.ShadowView, BlockOperation.WriteZeroes, 0, 80));
        Assert.Equal(free + 10, _pool.FreePages);
        Assert.Equal(10u, _snapshot.OverlayChunks);
        Assert.Equal(10u, _snapshot.ZeroChunks);
        Assert.All(Read(_snapshot.ShadowView, 0, 80), value => Assert.Equal(0, value));
    }

    [Fact]
    public void Discarding_gives_back_every_page()
    {
        byte[] old = (byte[])_disk.Bytes.Clone();
        _snapshot.TakeSnapshot();
        Write(_snapshot.ShadowView, 5, 300, 5);
        Write(_snapshot.PrimaryView, 600, 100, 6);
        Assert.Equal((ulong)_pool.Taken, _snapshot.PagesInUse);
        Assert.Equal(Status.Ok, _snapshot.Discard());
        Assert.Equal(0, _pool.Taken);
        Assert.Equal(0u, _snapshot.PagesInUse);
        old.AsSpan(600 * 512, 100 * 512).Fill(6);
        Assert.Equal(old, _disk.Bytes);
    }

    [Fact]
    public void Merging_writes_neighbours_in_one_request_in_ascending_order_and_flushes()
    {
        _snapshot.TakeSnapshot();
        Write(_snapshot.ShadowView, 240, 80, 1);
        Write(_snapshot.ShadowView, 80, 80, 2);
        Write(_snapshot.ShadowView, 160, 80, 3);
        Write(_snapshot.ShadowView, 0, 8, 4);
        _disk.Log.Clear();
        _snapshot.BeginMerge();
        Assert.Equal(Status.Ok, _snapshot.MergeStep(uint.MaxValue));
        Assert.Equal(
            new[] { (BlockOperation.Write, 0ul, 8ul, false), (BlockOperation.Write, 80ul, 240ul, false), (BlockOperation.Flush, 0ul, 0ul, false) },
            _disk.Log);
        Assert.Equal(SnapshotState.None, _snapshot.State);
        Assert.Equal(0, _pool.Taken);
    }

    [Fact]
    public void An_error_while_merging_loses_nothing()
    {
        _snapshot.TakeSnapshot();
        Write(_snapshot.ShadowView, 0, 400, 9);
        _snapshot.BeginMerge();
        Assert.Equal(Status.Pending, _snapshot.MergeStep(1));
        Write(_snapshot.PrimaryView, 600, 8, 9);
        _disk.Fails = request => request.Operation == BlockOperation.Flush;
        Assert.Equal(Status.DeviceError, _snapshot.MergeStep(1000));
        Assert.Equal(SnapshotState.Merging, _snapshot.State);
        _disk.Fails = null;
        Assert.Equal(9, Read(_snapshot.PrimaryView, 399, 1)[0]);
        Assert.Equal(Status.Ok, _snapshot.MergeStep(1000));
        Assert.Equal(9, _disk.Bytes[399 * 512]);
    }

    [Fact]
    public void An_empty_pool_costs_the_shadow_its_write_only()
    {
        var pool = new ModelPool(10);
        var snapshot = new SnapshotDisk(_disk, pool);
        snapshot.TakeSnapshot();
        byte[] old = (byte[])_disk.Bytes.Clone();
        _buffer.Prepare(_random, BlockOperation.Write, 0, 200, 512);
        Assert.Equal(Status.OutOfMemory, snapshot.ShadowView.Execute(_buffer.Request));
        Assert.True(snapshot.ShadowRanOutOfMemory);
        Assert.Equal(SnapshotState.Active, snapshot.State);
        Assert.Equal(old, _disk.Bytes);
        snapshot.Discard();
        Assert.Equal(0, pool.Taken);
    }

    [Fact]
    public void An_empty_pool_breaks_the_snapshot_but_not_the_primary()
    {
        var pool = new ModelPool(10);
        var snapshot = new SnapshotDisk(_disk, pool);
        snapshot.TakeSnapshot();
        Write(snapshot.PrimaryView, 0, 400, 3);
        Assert.Equal(SnapshotState.Broken, snapshot.State);
        Assert.Equal(Status.OutOfMemory, snapshot.BrokenReason);
        Assert.Equal(0, pool.Taken);
        Assert.All(_disk.Bytes[..(400 * 512)], value => Assert.Equal(3, value));
        _buffer.Prepare(_random, BlockOperation.Read, 0, 8, 512);
        Assert.Equal(Status.InvalidState, snapshot.ShadowView.Execute(_buffer.Request));
        Assert.Equal(Status.InvalidState, snapshot.BeginMerge());
        Assert.Equal(Status.Ok, snapshot.Discard());
        Assert.Equal(Status.Ok, snapshot.TakeSnapshot());
    }

    [Fact]
    public void An_unreadable_sector_breaks_the_snapshot_but_not_the_primary()
    {
        _disk.Fails = request => request.Operation == BlockOperation.Read;
        _snapshot.TakeSnapshot();
        Write(_snapshot.PrimaryView, 0, 4, 3);
        Assert.Equal(SnapshotState.Broken, _snapshot.State);
        Assert.Equal(Status.DeviceError, _snapshot.BrokenReason);
        Assert.Equal(3, _disk.Bytes[0]);
    }

    [Fact]
    public void An_unreadable_sector_fails_the_read_of_the_shadow_and_its_partial_write()
    {
        _disk.Fails = request => request.Operation == BlockOperation.Read;
        _snapshot.TakeSnapshot();
        _buffer.Prepare(_random, BlockOperation.Read, 0, 8, 512);
        Assert.Equal(Status.DeviceError, _snapshot.ShadowView.Execute(_buffer.Request));
        _buffer.Prepare(_random, BlockOperation.Write, 0, 1, 512);
        Assert.Equal(Status.DeviceError, _snapshot.ShadowView.Execute(_buffer.Request));
        Assert.Equal(0u, _snapshot.OverlayChunks);
        Assert.Equal((ulong)_pool.Taken, _snapshot.PagesInUse);
    }

    [Fact]
    public void A_discard_of_the_whole_disk_is_quick_and_takes_no_memory()
    {
        var disk = new HugeDisk();
        var snapshot = new SnapshotDisk(disk, _pool);
        snapshot.TakeSnapshot();
        Write(snapshot.ShadowView, HugeDisk.Sectors - 8, 8, 1);
        int taken = _pool.Taken;
        Assert.Equal(Status.Ok, Execute(snapshot.ShadowView, BlockOperation.Discard, HugeDisk.Sectors - uint.MaxValue, uint.MaxValue));
        Assert.Equal(Status.Ok, Execute(snapshot.PrimaryView, BlockOperation.Discard, 0, uint.MaxValue));
        Assert.Equal(taken - 1, _pool.Taken);
        Assert.Equal(1u, snapshot.ZeroChunks);
        Assert.Equal(Status.Ok, snapshot.Discard());
        Assert.Equal(0, _pool.Taken);
    }

    [Fact]
    public void Aborting_completes_what_waits_and_leaves_a_usable_disk()
    {
        _snapshot.TakeSnapshot();
        _disk.Stuck = true;
        var requests = new BlockRequest[6];
        for (uint i = 0; i < requests.Length; i++)
        {
            requests[i] = new BlockRequest(0);
            requests[i].Prepare(BlockOperation.WriteZeroes, i * 16, 3);
            (i % 2 == 0 ? _snapshot.PrimaryView : _snapshot.ShadowView).Submit(requests[i]);
        }
        Assert.DoesNotContain(requests, request => request.IsDone);
        _snapshot.ShadowView.AbortAll(Status.Timeout);
        Assert.All(requests, request => Assert.Equal(Status.Timeout, request.Status));
        Assert.Equal(0, _disk.Pending);
        _disk.Stuck = false;
        Write(_snapshot.PrimaryView, 0, 8, 1);
        Assert.Equal(1, _disk.Bytes[0]);
        _snapshot.Discard();
        Assert.Equal(0, _pool.Taken);
    }

    [Fact]
    public void What_was_not_read_because_of_an_abort_does_not_count_as_preserved()
    {
        _snapshot.TakeSnapshot();
        byte[] before = Read(_snapshot.ShadowView, 16, 24);
        _disk.Stuck = true;
        var request = new BlockRequest(0);
        request.Prepare(BlockOperation.WriteZeroes, 16, 24);
        _snapshot.PrimaryView.Submit(request);
        _snapshot.PrimaryView.AbortAll(Status.Timeout);
        Assert.Equal(Status.Timeout, request.Status);
        _disk.Stuck = false;
        Assert.Equal(0u, _snapshot.PreservedChunks);
        Assert.Equal(before, Read(_snapshot.ShadowView, 16, 24));
        Write(_snapshot.PrimaryView, 16, 24, 7);
        Assert.Equal(before, Read(_snapshot.ShadowView, 16, 24));
        Assert.Equal(3u, _snapshot.PreservedChunks);
    }

    private void Write(BlockDevice view, ulong first, uint sectors, byte value)
    {
        _buffer.Prepare(_random, BlockOperation.Write, first, sectors, view.SectorSize);
        byte[] data = new byte[sectors * view.SectorSize];
        Array.Fill(data, value);
        _buffer.Write(data);
        Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
    }

    private byte[] Read(BlockDevice view, ulong first, uint sectors)
    {
        _buffer.Prepare(_random, BlockOperation.Read, first, sectors, view.SectorSize);
        Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
        return _buffer.Read();
    }

    private static Status Execute(BlockDevice view, BlockOperation operation, ulong first, ulong sectors)
    {
        var request = new BlockRequest(0);
        request.Prepare(operation, first, sectors);
        return view.Execute(request);
    }

    /// <summary>256 TiB of nothing.</summary>
    private sealed class HugeDisk : BlockDevice
    {
        public const ulong Sectors = 1ul << 39;

        public HugeDisk() : base(new TickingTime())
        {
        }

        public override uint SectorSize => 512;

        public override ulong SectorCount => Sectors;

        public override uint MaxTransferSectors => 1024;

        public override void Poll()
        {
        }

        public override void AbortAll(Status status)
        {
        }

        protected override void Start(BlockRequest request) => request.Complete(Status.Ok);
    }
}
