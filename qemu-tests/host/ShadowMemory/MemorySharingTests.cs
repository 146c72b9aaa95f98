using System;
using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Memory;
using Xunit;

namespace Hv.HostTests.Shadows;

/// <summary>A fork's memory against a model: two arrays of bytes that have nothing to do with each other.</summary>
public sealed unsafe class MemorySharingTests : IDisposable
{
    private const int GuestPages = 1024, FirstPage = 3, EndPage = 1021, PoolPages = 4096;

    private readonly byte* _guest = (byte*)NativeMemory.AlignedAlloc(GuestPages * PageSize.Small, PageSize.Large);
    private readonly byte* _poolMemory = (byte*)NativeMemory.AlignedAlloc(PoolPages * PageSize.Small, PageSize.Small);
    private readonly PagePool _pool = new();
    private readonly MemoryRanges _ranges = new(4);
    private readonly PageTable _primary;
    private readonly ShadowMemory _shadow;
    private readonly MemorySharing _sharing;
    private readonly ulong _freeAtRest;

    public MemorySharingTests()
    {
        new Random(5).NextBytes(new Span<byte>(_guest, (int)(GuestPages * PageSize.Small)));
        Assert.Equal(Status.Ok, _pool.Add(new HostPhysical((ulong)_poolMemory), PoolPages));
        // The ranges end within large pages.
        Assert.Equal(Status.Ok, _ranges.Add(Address(FirstPage).Value, Address(600).Value));
        Assert.Equal(Status.Ok, _ranges.Add(Address(610).Value, Address(EndPage).Value));
        _primary = new PageTable(NestedFormat.LongMode, _pool, hugePages: false);
        MapPrimary();
        _shadow = new ShadowMemory(_pool, new SnapshotMemory(_pool), _ranges, new PageTable(NestedFormat.LongMode, _pool, hugePages: false), new ShadowScreen(_pool, 0, 0));
        _sharing = new MemorySharing(_primary, _ranges);
        // The first entry of a table takes pages that stay.
        _freeAtRest = _pool.FreePages;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_guest);
        NativeMemory.AlignedFree(_poolMemory);
    }

    [Fact]
    public void Each_side_sees_its_own_writes_only_and_the_pool_is_whole_in_the_end()
    {
        var random = new Random(17);
        for (int round = 0; round < 20; round++)
        {
            byte[] primary = new Span<byte>(_guest, (int)(GuestPages * PageSize.Small)).ToArray();
            byte[] shadow = (byte[])primary.Clone();
            Assert.Equal(Status.Ok, _sharing.Begin(_shadow));
            for (int i = 0; i < 2000; i++)
            {
                int page = random.Next(GuestPages);
                int at = page * (int)PageSize.Small + random.Next((int)PageSize.Small);
                byte value = (byte)random.Next();
                switch (random.Next(4))
                {
                    case 0:
                        WriteByPrimary(at, value);
                        primary[at] = value;
                        break;
                    case 1 when IsShared(page):
                        *Shadow(at, write: true) = value;
                        shadow[at] = value;
                        break;
                    case 2 when IsShared(page):
                        Assert.Equal(shadow[at], *Shadow(at, write: false));
                        break;
                    default:
                        Assert.Equal(primary[at], _guest[at]);
                        break;
                }
            }
            for (int at = 0; at < primary.Length; at += 509)
            {
                Assert.Equal(primary[at], _guest[at]);
                if (IsShared(at / (int)PageSize.Small))
                    Assert.Equal(shadow[at], *Shadow(at, write: false));
            }
            Assert.Equal(OwnPagesInTable(), _shadow.OwnPages);
            End();
            Assert.Equal(_freeAtRest, _pool.FreePages);
            Assert.Equal(0ul, _shadow.OwnPages);
        }
    }

    [Fact]
    public void A_fork_copies_nothing_and_keeps_large_pages()
    {
        Assert.Equal(Status.Ok, _sharing.Begin(_shadow));
        Assert.Equal(0ul, _shadow.OwnPages);
        Assert.Equal(600ul - FirstPage + EndPage - 610, _sharing.PagesShared);
        // Both large pages are cut by the borders: one table for each.
        Assert.Equal(_freeAtRest - 2, _pool.FreePages);
        Assert.Equal(_sharing.PagesShared, _sharing.EntriesChanged);
        End();
    }

    [Fact]
    public void A_large_page_within_a_range_is_one_entry()
    {
        var ranges = new MemoryRanges(1);
        Assert.Equal(Status.Ok, ranges.Add((ulong)_guest, (ulong)_guest + 2 * PageSize.Large));
        var shadow = new ShadowMemory(_pool, new SnapshotMemory(_pool), ranges, new PageTable(NestedFormat.Ept, _pool, hugePages: false), new ShadowScreen(_pool, 0, 0));
        var table = new PageTable(NestedFormat.Ept, _pool, hugePages: false);
        Assert.Equal(Status.Ok, table.Map((ulong)_guest, new HostPhysical((ulong)_guest), 2 * PageSize.Large, PageAccess.All, MemoryType.WriteBack));
        var sharing = new MemorySharing(table, ranges);
        ulong free = _pool.FreePages;
        Assert.Equal(Status.Ok, sharing.Begin(shadow));
        Assert.Equal(2ul, sharing.EntriesChanged);
        Assert.Equal(free, _pool.FreePages);
        Assert.True(Break(sharing, Address(700)));
        Assert.True(table.Format.IsWritable(table.Lookup(Address(700).Value, out int shift)));
        Assert.Equal(PageSize.SmallShift, shift);
        Assert.False(table.Format.IsWritable(table.Lookup(Address(701).Value, out _)));
        Assert.False(table.Format.IsWritable(table.Lookup(Address(1).Value, out shift)));
        Assert.Equal(PageSize.LargeShift, shift);
        Assert.Equal(1ul, sharing.PagesBroken);
    }

    [Fact]
    public void A_break_replaces_a_mapping_only_if_the_shadow_has_read_the_page()
    {
        Assert.Equal(Status.Ok, _sharing.Begin(_shadow));
        Assert.True(Break(_sharing, Address(10)));
        Assert.False(_shadow.ReplacedMapping);
        _ = *Shadow(11 * (int)PageSize.Small, write: false);
        Assert.True(Break(_sharing, Address(11)));
        Assert.True(_shadow.ReplacedMapping);
        _ = *Shadow(12 * (int)PageSize.Small, write: true);
        Assert.True(Break(_sharing, Address(12)));
        Assert.False(_shadow.ReplacedMapping);
        Assert.Equal(3ul, _sharing.PagesBroken);
        Assert.Equal(2ul, _shadow.PagesKept);
        End();
    }

    [Fact]
    public void A_second_break_of_a_page_does_nothing_and_is_no_error()
    {
        Assert.Equal(Status.Ok, _sharing.Begin(_shadow));
        WriteByPrimary(20 * (int)PageSize.Small, 1);
        byte seen = *Shadow(20 * (int)PageSize.Small, write: false);
        Assert.True(Break(_sharing, Address(20)));
        Assert.Equal(seen, *Shadow(20 * (int)PageSize.Small, write: false));
        Assert.Equal(1ul, _sharing.PagesBroken);
        End();
    }

    [Fact]
    public void Other_memory_is_not_shared()
    {
        Assert.False(Break(_sharing, Address(20)));
        Assert.Equal(Status.Ok, _sharing.Begin(_shadow));
        Assert.False(Break(_sharing, Address(1)));
        Assert.False(Break(_sharing, Address(605)));
        Assert.True(_primary.Format.IsWritable(_primary.Lookup(Address(605).Value, out _)));
        Assert.False(_shadow.Provide(Address(605), write: false));
        End();
    }

    [Fact]
    public void When_the_pool_is_empty_the_primary_goes_on_and_the_shadow_is_given_up()
    {
        Assert.Equal(Status.Ok, _sharing.Begin(_shadow));
        while (_pool.FreePages > 1)
            Assert.True(_pool.TakePageUncleared() != null);
        Assert.True(Break(_sharing, Address(30)));
        Assert.True(Break(_sharing, Address(31)));
        Assert.True(_shadow.RanOutOfMemory);
        Assert.True(_primary.Format.IsWritable(_primary.Lookup(Address(31).Value, out _)));
    }

    [Fact]
    public void Without_a_page_for_a_table_a_large_page_as_a_whole_is_given_back()
    {
        var table = new PageTable(NestedFormat.Ept, _pool, hugePages: false);
        Assert.Equal(Status.Ok, table.Map((ulong)_guest, new HostPhysical((ulong)_guest), PageSize.Large, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.Ok, table.Protect((ulong)_guest, (ulong)_guest + PageSize.Large, out ulong changed));
        Assert.Equal(1ul, changed);
        while (_pool.TakePageUncleared() != null)
        {
        }
        Assert.Equal(Status.OutOfMemory, table.AllowWrite(Address(7).Value));
        Assert.True(table.Format.IsWritable(table.Lookup(Address(100).Value, out int shift)));
        Assert.Equal(PageSize.LargeShift, shift);
        Assert.Equal(Status.NotFound, table.AllowWrite(Address(GuestPages).Value));
    }

    private static bool IsShared(int page) => page is >= FirstPage and < 600 or >= 610 and < EndPage;

    private GuestPhysical Address(int page) => new((ulong)_guest + (ulong)page * PageSize.Small);

    private void MapPrimary() => Assert.Equal(Status.Ok,
        _primary.Map((ulong)_guest, new HostPhysical((ulong)_guest), GuestPages * (ulong)PageSize.Small, PageAccess.All, MemoryType.WriteBack));

    private void End()
    {
        _shadow.Clear();
        _sharing.End();
        MapPrimary();
    }

    // As the processor does it, or Hv for a DMA: what may not be written faults first.
    private void WriteByPrimary(int at, byte value)
    {
        GuestPhysical address = new((ulong)_guest + (ulong)at);
        if (!_primary.Format.IsWritable(_primary.Lookup(address.Value, out _)))
            Assert.True(Break(_sharing, address));
        Assert.True(_primary.Format.IsWritable(_primary.Lookup(address.Value, out _)));
        _guest[at] = value;
    }

    // As the machine does it, without other processors to wait for.
    private static bool Break(MemorySharing sharing, GuestPhysical address)
    {
        if (!sharing.Break(address, out bool isBroken))
            return false;
        if (!isBroken)
            sharing.AllowWrite(address);
        return true;
    }

    private byte* Shadow(int at, bool write)
    {
        GuestPhysical address = new((ulong)_guest + (ulong)at);
        Assert.True(_shadow.Provide(address, write));
        Result<HostPhysical> target = _shadow.Table.Translate(address.Value, out bool writable);
        Assert.True(target.IsOk);
        Assert.True(writable || !write);
        return (byte*)target.Value.Value;
    }

    private ulong OwnPagesInTable()
    {
        ulong own = 0;
        for (int page = 0; page < GuestPages; page++)
            own += _shadow.Table.Format.IsWritable(_shadow.Table.Lookup(Address(page).Value, out _)) ? 1ul : 0;
        return own;
    }
}
