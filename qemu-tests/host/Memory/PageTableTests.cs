using System;
using System.Collections.Generic;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class PageTableTests : IDisposable
{
    private const ulong KiB4 = PageSize.Small, MiB2 = PageSize.Large, GiB = PageSize.Huge;

    private readonly ModelPool _pool = new(4096);

    public static TheoryData<bool> Formats => [true, false];

    public void Dispose() => _pool.Dispose();

    private PageTable New(bool ept, bool hugePages = true) => new(ept ? NestedFormat.Ept : NestedFormat.LongMode, _pool, hugePages);

    [Theory, MemberData(nameof(Formats))]
    public void An_empty_table_translates_nothing(bool ept)
    {
        PageTable table = New(ept);
        Assert.Equal(Status.NotFound, table.Translate(0, out _).Status);
        Assert.Equal(Status.NotFound, table.Translate(PageTable.Reach - 1, out _).Status);
        Assert.Equal(0ul, table.Lookup(PageTable.Reach, out _));
        Assert.Equal(1, _pool.Taken);
    }

    [Theory]
    [InlineData(true, 0x40_0000_0000ul, 30)]
    [InlineData(true, 0x40_0020_0000ul, 21)]
    [InlineData(true, 0x40_0000_1000ul, 12)]
    [InlineData(false, 0x40_0000_0000ul, 21)]
    public void The_largest_pages_that_address_and_target_allow_are_used(bool hugePages, ulong target, int shift)
    {
        PageTable table = New(ept: true, hugePages);
        Assert.Equal(Status.Ok, table.Map(GiB, new HostPhysical(target), GiB, PageAccess.All, MemoryType.WriteBack));
        Assert.NotEqual(0ul, table.Lookup(GiB, out int found));
        Assert.Equal(shift, found);
        Assert.Equal(target + 0x1234_5678, table.Translate(GiB + 0x1234_5678, out _).Value.Value);
    }

    [Theory]
    [InlineData(PageAccess.All, MemoryType.WriteBack, 0x37ul)]
    [InlineData(PageAccess.Read, MemoryType.Uncacheable, 0x01ul)]
    [InlineData(PageAccess.Write, MemoryType.WriteThrough, 0x23ul)]
    [InlineData(PageAccess.Execute, MemoryType.WriteProtected, 0x2Dul)]
    public void An_EPT_leaf_is_coded_as_the_manual_says(PageAccess access, MemoryType type, ulong bits)
    {
        PageTable table = New(ept: true);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0xABCD_E000), KiB4, access, type));
        Assert.Equal(0xABCD_E000 | bits, table.Lookup(0, out _));
        Assert.Equal(Status.Ok, table.Map(MiB2, new HostPhysical(MiB2), MiB2, access, type));
        Assert.Equal(MiB2 | bits | 0x80, table.Lookup(MiB2, out _));
    }

    [Theory]
    [InlineData(PageAccess.All, MemoryType.WriteBack, 0x07ul)]
    [InlineData(PageAccess.Read, MemoryType.WriteBack, 0x8000_0000_0000_0005ul)]
    [InlineData(PageAccess.Write, MemoryType.Uncacheable, 0x8000_0000_0000_001Ful)]
    [InlineData(PageAccess.Execute, MemoryType.WriteThrough, 0x0Dul)]
    public void A_long_mode_leaf_is_coded_as_the_manual_says(PageAccess access, MemoryType type, ulong bits)
    {
        PageTable table = New(ept: false);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0xABCD_E000), KiB4, access, type));
        Assert.Equal(0xABCD_E000 | bits, table.Lookup(0, out _));
    }

    [Theory, MemberData(nameof(Formats))]
    public void Changing_one_small_page_splits_the_huge_page_around_it_and_nothing_else(bool ept)
    {
        PageTable table = New(ept);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), 2 * GiB, PageAccess.All, MemoryType.WriteBack));
        ulong hole = MiB2 + 5 * KiB4;
        Assert.Equal(Status.Ok, table.Map(hole, new HostPhysical(0x77_7000), KiB4, PageAccess.Read, MemoryType.WriteBack));

        Assert.Equal(0x77_7000ul, table.Translate(hole, out bool writable).Value.Value);
        Assert.False(writable);
        foreach (ulong other in new ulong[] { 0, MiB2, hole - KiB4, hole + KiB4, 2 * MiB2, GiB - 1, GiB, 2 * GiB - 1 })
        {
            Assert.Equal(other, table.Translate(other, out writable).Value.Value);
            Assert.True(writable);
        }
        table.Lookup(hole, out int shift);
        Assert.Equal(12, shift);
        table.Lookup(2 * MiB2, out shift);
        Assert.Equal(21, shift);
        table.Lookup(GiB, out shift);
        Assert.Equal(30, shift);
    }

    [Theory, MemberData(nameof(Formats))]
    public void The_small_entry_of_a_page_inside_a_large_one_maps_what_the_large_one_mapped(bool ept)
    {
        PageTable table = New(ept);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(4 * GiB), GiB, PageAccess.Write, MemoryType.WriteBack));
        ulong address = 3 * MiB2 + 7 * KiB4;
        ulong expected = table.Format.Leaf(PageAccess.Write, MemoryType.WriteBack) | (4 * GiB + address);
        Assert.Equal(expected, *table.SmallEntry(address));
    }

    [Theory, MemberData(nameof(Formats))]
    public void A_large_page_over_small_ones_gives_their_tables_back(bool ept)
    {
        PageTable table = New(ept);
        for (ulong at = 0; at < 16 * MiB2; at += MiB2)
            Assert.Equal(Status.Ok, table.Map(at + KiB4, new HostPhysical(at), KiB4, PageAccess.All, MemoryType.WriteBack));
        Assert.True(_pool.Taken > 16);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), GiB, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(2, _pool.Taken);
        Assert.Equal(Status.Ok, table.Unmap(0, GiB));
        Assert.Equal(0ul, table.Lookup(KiB4, out _));
    }

    [Theory, MemberData(nameof(Formats))]
    public void Clearing_gives_every_table_but_the_root_back(bool ept)
    {
        PageTable table = New(ept);
        for (ulong i = 0; i < 300; i++)
            Assert.Equal(Status.Ok, table.Map(i * 7 * GiB + i * MiB2 + i * KiB4, new HostPhysical(0), KiB4, PageAccess.All, MemoryType.WriteBack));
        table.Clear();
        Assert.Equal(1, _pool.Taken);
        Assert.Equal(0ul, table.Lookup(0, out _));
    }

    [Fact]
    public void What_is_not_aligned_or_out_of_reach_is_refused()
    {
        PageTable table = New(ept: true);
        Assert.Equal(Status.InvalidArgument, table.Map(1, new HostPhysical(0), KiB4, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.InvalidArgument, table.Map(0, new HostPhysical(1), KiB4, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.InvalidArgument, table.Map(0, new HostPhysical(0), KiB4 + 1, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.InvalidArgument, table.Map(PageTable.Reach, new HostPhysical(0), KiB4, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.InvalidArgument, table.Map(PageTable.Reach - KiB4, new HostPhysical(0), 2 * KiB4, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.Ok, table.Map(PageTable.Reach - KiB4, new HostPhysical(0), KiB4, PageAccess.All, MemoryType.WriteBack));
    }

    [Fact]
    public void Without_pages_for_tables_mapping_says_so_and_what_was_there_stays()
    {
        using var small = new ModelPool(3);
        var table = new PageTable(NestedFormat.Ept, small, hugePages: true);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), GiB, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.OutOfMemory, table.Map(KiB4, new HostPhysical(0), KiB4, PageAccess.All, MemoryType.WriteBack));
        for (ulong at = 0; at < GiB; at += 37 * KiB4)
            Assert.Equal(at, table.Translate(at, out _).Value.Value);
        Assert.True(table.SmallEntry(GiB + KiB4) == null);
    }

    [Theory, MemberData(nameof(Formats))]
    public void Walking_with_skips_visits_each_page_once(bool ept)
    {
        PageTable table = New(ept);
        var mapped = new SortedSet<ulong> { 0, 5 * KiB4, MiB2 + KiB4, 3 * GiB - KiB4, 700 * GiB + 9 * MiB2 };
        foreach (ulong at in mapped)
            Assert.Equal(Status.Ok, table.Map(at, new HostPhysical(at), KiB4, PageAccess.All, MemoryType.WriteBack));
        var seen = new SortedSet<ulong>();
        int steps = 0;
        for (ulong at = 0; at < PageTable.Reach; steps++)
        {
            ulong entry = table.LookupOrSkip(at, out ulong next);
            Assert.True(next > at);
            if (entry != 0)
                seen.Add(at);
            at = next;
        }
        Assert.Equal(mapped, seen);
        Assert.True(steps < 10_000);
    }

    [Theory]
    [InlineData(true, true, 1)]
    [InlineData(true, false, 2)]
    [InlineData(false, true, 3)]
    [InlineData(false, false, 4)]
    public void Random_changes_agree_with_a_list_of_pages(bool ept, bool hugePages, int seed)
    {
        const int pages = 3 * 512 * 512;
        var random = new Random(seed);
        PageTable table = New(ept, hugePages);
        ulong[] model = new ulong[pages]; // target | 2 if writable | 1, or 0
        for (int step = 0; step < 400; step++)
        {
            int grain = random.Next(3) switch { 0 => 1, 1 => 512, _ => 512 * 512 };
            int first = random.Next(pages) / grain * grain;
            int count = Math.Min(pages - first, grain * random.Next(1, grain == 1 ? 2000 : 4));
            ulong target = (ulong)random.Next(1 << 20) / (ulong)grain * (ulong)grain * KiB4;
            bool write = random.Next(2) == 0;
            bool unmap = random.Next(4) == 0;
            ulong address = (ulong)first * KiB4, bytes = (ulong)count * KiB4;
            Assert.Equal(Status.Ok, unmap
                ? table.Unmap(address, bytes)
                : table.Map(address, new HostPhysical(target), bytes, write ? PageAccess.All : PageAccess.Execute, MemoryType.WriteBack));
            for (int i = 0; i < count; i++)
                model[first + i] = unmap ? 0 : (target + (ulong)i * KiB4) | (write ? 2ul : 0) | 1;
            for (int probe = 0; probe < 100; probe++)
                AssertSame(table, model, random.Next(pages));
            foreach (int edge in new[] { first - 1, first, first + count - 1, first + count })
            {
                if (edge >= 0 && edge < pages)
                    AssertSame(table, model, edge);
            }
        }
        table.Clear();
        Assert.Equal(1, _pool.Taken);
    }

    private static void AssertSame(PageTable table, ulong[] model, int page)
    {
        Result<HostPhysical> found = table.Translate((ulong)page * KiB4 + 0x123, out bool writable);
        ulong expected = model[page];
        Assert.Equal(expected != 0, found.IsOk);
        if (expected == 0)
            return;
        Assert.Equal((expected & ~0xFFFul) + 0x123, found.Value.Value);
        Assert.Equal((expected & 2) != 0, writable);
    }
}
