using System;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Xunit;

namespace Hv.HostTests;

/// <summary>The page tables of remapping units, and what else they take from memory.</summary>
public sealed unsafe class RemappingFormatTests : IDisposable
{
    private const ulong KiB4 = PageSize.Small, MiB2 = PageSize.Large, GiB = PageSize.Huge, AmdViRead = 1ul << 61, AmdViWrite = 1ul << 62;

    private readonly ModelPool _pool = new(2048);

    public void Dispose() => _pool.Dispose();

    private static ulong TableAt(ulong entry) => entry & NestedFormat.AddressMask;

    [Fact]
    public void A_second_level_table_is_coded_as_the_manual_says()
    {
        var table = new PageTable(NestedFormat.SecondLevel, _pool, PageSize.HugeShift);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), 2 * GiB, PageAccess.All, MemoryType.Uncacheable));
        Assert.Equal(Status.Ok, table.Map(GiB + KiB4, new HostPhysical(GiB + KiB4), KiB4, PageAccess.Read, MemoryType.WriteBack));
        Assert.Equal(0x83ul, table.Lookup(0, out int shift));
        Assert.Equal(PageSize.HugeShift, shift);
        Assert.Equal(GiB + 3, table.Lookup(GiB, out shift));
        Assert.Equal(PageSize.SmallShift, shift);
        Assert.Equal(GiB + KiB4 + 1, table.Lookup(GiB + KiB4, out _));
        Assert.Equal(GiB + MiB2 + 0x83, table.Lookup(GiB + MiB2, out shift));
        Assert.Equal(PageSize.LargeShift, shift);
        ulong root = *(ulong*)table.Root.Value;
        Assert.Equal(3ul, root & ~NestedFormat.AddressMask);
        Assert.Equal(TableAt(root), table.ThreeLevelRoot.Value.Value);
    }

    [Fact]
    public void An_AMD_Vi_table_is_coded_as_the_manual_says()
    {
        const ulong present = 1, rights = AmdViRead | AmdViWrite;
        var table = new PageTable(NestedFormat.AmdVi, _pool, hugePages: true);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), 2 * GiB, PageAccess.All, MemoryType.WriteBack));
        Assert.Equal(Status.Ok, table.Map(GiB + KiB4, new HostPhysical(GiB + KiB4), KiB4, PageAccess.Read, MemoryType.WriteBack));
        Assert.Equal(present | rights, table.Lookup(0, out int shift));
        Assert.Equal(PageSize.HugeShift, shift);
        Assert.Equal(GiB | present | rights, table.Lookup(GiB, out shift));
        Assert.Equal(PageSize.SmallShift, shift);
        Assert.Equal((GiB + KiB4) | present | AmdViRead, table.Lookup(GiB + KiB4, out _));
        Assert.Equal((GiB + MiB2) | present | rights, table.Lookup(GiB + MiB2, out shift));
        Assert.Equal(PageSize.LargeShift, shift);
        ulong third = *(ulong*)table.Root.Value;
        Assert.Equal(present | rights | 3ul << 9, third & ~NestedFormat.AddressMask);
        ulong second = ((ulong*)TableAt(third))[1];
        Assert.Equal(present | rights | 2ul << 9, second & ~NestedFormat.AddressMask);
        ulong first = *(ulong*)TableAt(second);
        Assert.Equal(present | rights | 1ul << 9, first & ~NestedFormat.AddressMask);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rights_are_taken_and_given_and_tables_given_back(bool amd)
    {
        var table = new PageTable(amd ? NestedFormat.AmdVi : NestedFormat.SecondLevel, _pool, hugePages: true);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), GiB, PageAccess.Write, MemoryType.WriteBack));
        Assert.Equal(Status.Ok, table.Protect(MiB2, 2 * MiB2 + KiB4, out ulong changed));
        Assert.Equal(2ul, changed);
        _ = table.Translate(MiB2, out bool writable);
        Assert.False(writable);
        _ = table.Translate(2 * MiB2 + KiB4, out writable);
        Assert.True(writable);
        Assert.Equal(Status.Ok, table.AllowWrite(MiB2));
        _ = table.Translate(MiB2, out writable);
        Assert.True(writable);
        Assert.Equal(Status.Ok, table.Map(0, new HostPhysical(0), GiB, PageAccess.Write, MemoryType.WriteBack));
        Assert.Equal(2, _pool.Taken);
        table.Clear();
        Assert.Equal(1, _pool.Taken);
    }

    [Fact]
    public void Three_levels_do_for_what_lies_below_512_GiB_only()
    {
        var table = new PageTable(NestedFormat.SecondLevel, _pool, PageSize.HugeShift);
        Assert.Equal(Status.NotFound, table.ThreeLevelRoot.Status);
        Assert.Equal(Status.Ok, table.Map(511 * GiB, new HostPhysical(0), GiB, PageAccess.Write, MemoryType.WriteBack));
        Assert.True(table.ThreeLevelRoot.IsOk);
        Assert.Equal(Status.Ok, table.Map(512 * GiB, new HostPhysical(0), GiB, PageAccess.Write, MemoryType.WriteBack));
        Assert.Equal(Status.NotFound, table.ThreeLevelRoot.Status);
    }

    [Fact]
    public void The_pool_gives_pages_in_a_row()
    {
        const int pages = 400;
        using var memory = new DiskMemory(pages + 2, low: false);
        var pool = new PagePool();
        Assert.Equal(Status.Ok, pool.Add(new HostPhysical((ulong)memory.Start), pages + 1));
        byte*[] single = [pool.TakePage(), pool.TakePage(), pool.TakePage()];
        pool.ReturnPage(single[1]);
        memory.Bytes[(int)(4 * KiB4)..].Fill(0xDD);
        byte* run = pool.TakeRun(130);
        Assert.True(run == single[2] + KiB4);
        Assert.True(new ReadOnlySpan<byte>(run, 130 * (int)KiB4).IndexOfAnyExcept((byte)0) < 0);
        Assert.Equal((ulong)pages - 132, pool.FreePages);
        Assert.True(pool.TakeRun(268) == null);
        Assert.True(pool.TakeRun(267) != null);
        Assert.True(pool.TakePage() == single[1]);
        Assert.Equal(0ul, pool.FreePages);
        for (int i = 0; i < 130; i++)
            pool.ReturnPage(run + (ulong)i * KiB4);
        Assert.True(pool.TakeRun(130) == run);
    }
}
