using System;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Machine;
using Xunit;

namespace Hv.HostTests;

public sealed class IdentityMapTests : IDisposable
{
    private const int PhysicalBits = 36;
    private const ulong MiB = 1 << 20, GiB = 1 << 30, MemoryEnd = 6 * GiB;
    private const ulong OwnStart = GiB + 3 * MiB, OwnBytes = 5 * MiB;

    private readonly ModelPool _pool = new(1024);
    private readonly IdentityMap _map;
    private readonly PageTable _table;
    private readonly MtrrMap _types;

    public IdentityMapTests()
    {
        // 6 GiB with a hole for devices from 3 GiB to 4 GiB, the VGA window at A0000h.
        const ulong enable = 1 << 11, fixedEnable = 1 << 10, valid = 1 << 11;
        ulong Mask(ulong bytes) => (~(bytes - 1) & ((1ul << PhysicalBits) - 1)) | valid;
        ulong[] ranges = [3 * GiB, Mask(GiB), 16 * GiB, Mask(16 * GiB)];
        ulong[] low = new ulong[11];
        Array.Fill(low, 0x0606_0606_0606_0606ul);
        low[2] = 0;
        _types = new MtrrMap(enable | fixedEnable | (ulong)MemoryType.WriteBack, ranges, low, PhysicalBits);
        var own = new HvMemory(MemoryEnd);
        Assert.Equal(Status.Ok, own.Add(new HostPhysical(OwnStart), OwnBytes));
        _map = new IdentityMap(own, _types, PhysicalBits);
        _table = new PageTable(NestedFormat.Ept, _pool, hugePages: true);
        Assert.Equal(Status.Ok, _map.MapAll(_table));
    }

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void All_memory_but_Hvs_is_mapped_one_to_one_with_the_type_that_the_MTRRs_give()
    {
        var random = new Random(3);
        for (int i = 0; i < 20_000; i++)
        {
            ulong page = (ulong)random.NextInt64((long)MemoryEnd) & ~0xFFFul;
            if (i % 10 == 0)
                page &= 0xF_F000;
            Result<HostPhysical> found = _table.Translate(page, out bool writable);
            bool own = page >= OwnStart && page < OwnStart + OwnBytes;
            Assert.Equal(!own, found.IsOk);
            if (own)
                continue;
            Assert.True(writable);
            Assert.Equal(page, found.Value.Value);
            Assert.Equal(_types.TypeAt(new HostPhysical(page), out _), (MemoryType)(_table.Lookup(page, out _) >> 3 & 7));
        }
    }

    [Fact]
    public void The_edges_of_Hvs_memory_are_exact()
    {
        Assert.True(_table.Translate(OwnStart - 1, out _).IsOk);
        Assert.False(_table.Translate(OwnStart, out _).IsOk);
        Assert.False(_table.Translate(OwnStart + OwnBytes - 1, out _).IsOk);
        Assert.True(_table.Translate(OwnStart + OwnBytes, out _).IsOk);
    }

    [Fact]
    public void Neighbours_of_one_type_use_the_largest_pages()
    {
        _table.Lookup(2 * GiB, out int shift);
        Assert.Equal(PageSize.HugeShift, shift);
        _table.Lookup(3 * GiB, out shift);
        Assert.Equal(PageSize.HugeShift, shift);
        _table.Lookup(2 * MiB, out shift);
        Assert.Equal(PageSize.LargeShift, shift);
    }

    [Fact]
    public void Registers_above_memory_are_mapped_when_they_are_used_but_Hvs_memory_and_what_is_mapped_never()
    {
        Assert.Equal(Status.Ok, _map.MapAround(_table, new GuestPhysical(20 * GiB + 0x1234)));
        Assert.Equal(20 * GiB, _table.Translate(20 * GiB, out _).Value.Value);
        Assert.Equal(MemoryType.Uncacheable, (MemoryType)(_table.Lookup(20 * GiB, out _) >> 3 & 7));
        Assert.Equal(Status.BadAddress, _map.MapAround(_table, new GuestPhysical(OwnStart)));
        Assert.Equal(Status.BadAddress, _map.MapAround(_table, new GuestPhysical(GiB / 2)));
        Assert.Equal(Status.BadAddress, _map.MapAround(_table, new GuestPhysical(1ul << PhysicalBits)));
    }

    [Fact]
    public void A_page_can_be_mapped_back_to_itself()
    {
        Assert.Equal(Status.Ok, _table.Unmap(0x5000, PageSize.Small));
        Assert.Equal(Status.Ok, _map.MapPage(_table, new GuestPhysical(0x5000)));
        Assert.Equal(0x5000ul, _table.Translate(0x5000, out _).Value.Value);
        Assert.Equal(Status.BadAddress, _map.MapPage(_table, new GuestPhysical(OwnStart + MiB)));
    }
}
