using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Memory;
using Xunit;

namespace Hv.HostTests.Shadows;

/// <summary>A small machine: "guest memory" and pool are native memory, and guest-physical addresses are its real ones.</summary>
public sealed unsafe class ShadowMemoryTests : IDisposable
{
    private const int GuestPages = 64, PoolPages = 512, SnapshotPages = 16;

    private readonly byte* _guest = (byte*)NativeMemory.AlignedAlloc(GuestPages * PageSize.Small, PageSize.Large);
    private readonly byte* _poolMemory = (byte*)NativeMemory.AlignedAlloc(PoolPages * PageSize.Small, PageSize.Small);
    private readonly PagePool _pool = new();
    private readonly SnapshotMemory _snapshot;
    private readonly MemoryRanges _ranges = new(4);
    private readonly ShadowMemory _memory;

    public ShadowMemoryTests()
    {
        new Random(3).NextBytes(new Span<byte>(_guest, (int)(GuestPages * PageSize.Small)));
        new Span<byte>(_guest + 2 * PageSize.Small, (int)PageSize.Small).Clear();
        Assert.Equal(Status.Ok, _pool.Add(new HostPhysical((ulong)_poolMemory), PoolPages));
        _snapshot = new SnapshotMemory(_pool);
        Assert.Equal(Status.Ok, _snapshot.Copy((ulong)_guest, (ulong)_guest + SnapshotPages * PageSize.Small));
        Assert.Equal(Status.Ok, _ranges.Add((ulong)_guest, (ulong)_guest + GuestPages * PageSize.Small));
        var table = new PageTable(NestedFormat.LongMode, _pool, hugePages: false);
        _memory = new ShadowMemory(_pool, _snapshot, _ranges, table, new ShadowScreen(_pool, 0, 0));
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_guest);
        NativeMemory.AlignedFree(_poolMemory);
    }

    [Fact]
    public void A_zero_page_of_the_snapshot_takes_no_page() => Assert.Equal((ulong)SnapshotPages - 1, _snapshot.Count);

    [Fact]
    public void The_snapshot_is_restored_to_its_own_place_zero_pages_too_and_nothing_else()
    {
        byte[] before = new Span<byte>(_guest, (int)(SnapshotPages * PageSize.Small)).ToArray();
        new Span<byte>(_guest, (int)(GuestPages * PageSize.Small)).Fill(0xEE);
        _snapshot.Restore();
        Assert.Equal(before, new Span<byte>(_guest, (int)(SnapshotPages * PageSize.Small)).ToArray());
        Assert.Equal(-1, new Span<byte>(_guest + SnapshotPages * PageSize.Small, (int)((GuestPages - SnapshotPages) * PageSize.Small)).IndexOfAnyExcept((byte)0xEE));
    }

    [Fact]
    public void Snapshot_pages_are_shared_until_they_are_written()
    {
        byte[] before = At(5).ToArray();
        At(5).Fill(0xEE);
        Assert.True(_memory.Provide(Address(5), write: false));
        Assert.Equal(before, Seen(5, out bool writable).ToArray());
        Assert.False(writable);
        Assert.True(_memory.Provide(Address(5), write: true));
        Seen(5, out writable)[0] ^= 0xFF;
        Assert.True(writable);
        Assert.Equal(1ul, _memory.PagesCopied);
        Assert.Equal(before, new Span<byte>(_snapshot.Find(Address(5)), (int)PageSize.Small).ToArray());
    }

    [Fact]
    public void Only_a_mapping_that_was_there_before_is_reported_as_replaced()
    {
        Assert.True(_memory.Provide(Address(5), write: false));
        Assert.False(_memory.ReplacedMapping);
        Assert.True(_memory.Provide(Address(5), write: true));
        Assert.True(_memory.ReplacedMapping);
        Assert.True(_memory.Provide(Address(5), write: true));
        Assert.False(_memory.ReplacedMapping);
        Assert.True(_memory.Provide(Address(40), write: true));
        Assert.False(_memory.ReplacedMapping);
    }

    [Fact]
    public void Other_memory_appears_zeroed()
    {
        Assert.True(_memory.Provide(Address(40), write: false));
        Assert.Equal(new byte[PageSize.Small], Seen(40, out bool writable).ToArray());
        Assert.True(writable);
        Assert.Equal(1ul, _memory.PagesZeroFilled);
    }

    [Fact]
    public void Nothing_is_outside_of_memory()
    {
        Assert.False(_memory.Provide(new GuestPhysical((ulong)_guest + GuestPages * PageSize.Small), write: false));
        Assert.False(_memory.RanOutOfMemory);
    }

    [Fact]
    public void An_empty_pool_is_reported_and_clearing_makes_it_whole()
    {
        ulong free = _pool.FreePages;
        var taken = new List<ulong>();
        while (_pool.FreePages > 3)
            taken.Add((ulong)_pool.TakePageUncleared());
        bool all = true;
        for (int i = 0; i < 8; i++)
            all &= _memory.Provide(Address(20 + i), write: true);
        Assert.False(all);
        Assert.True(_memory.RanOutOfMemory);
        _memory.Clear();
        foreach (ulong page in taken)
            _pool.ReturnPage((byte*)page);
        Assert.Equal(free, _pool.FreePages);
        Assert.False(_memory.RanOutOfMemory);
    }

    [Fact]
    public void Moved_home_every_page_that_was_seen_is_in_its_place_and_the_pool_is_whole()
    {
        var random = new Random(11);
        for (int round = 0; round < 50; round++)
        {
            ulong free = _pool.FreePages;
            byte[]?[] expected = new byte[GuestPages][];
            for (int i = 0; i < 100; i++)
            {
                int page = random.Next(GuestPages);
                bool write = random.Next(2) == 0;
                Assert.True(_memory.Provide(Address(page), write));
                Span<byte> seen = Seen(page, out bool writable);
                if (write)
                {
                    Assert.True(writable);
                    random.NextBytes(seen.Slice(random.Next(4000), 64));
                }
                expected[page] = seen.ToArray();
            }
            _memory.MoveHome();
            for (int page = 0; page < GuestPages; page++)
            {
                if (expected[page] != null)
                    Assert.Equal(expected[page], At(page).ToArray());
            }
            _memory.Clear();
            Assert.Equal(free, _pool.FreePages);
        }
    }

    private GuestPhysical Address(int page) => new((ulong)_guest + (ulong)page * PageSize.Small);

    private Span<byte> At(int page) => new(_guest + page * PageSize.Small, (int)PageSize.Small);

    private Span<byte> Seen(int page, out bool writable)
    {
        Result<HostPhysical> target = _memory.Table.Translate(Address(page).Value, out writable);
        Assert.True(target.IsOk);
        return new Span<byte>((byte*)target.Value.Value, (int)PageSize.Small);
    }
}
