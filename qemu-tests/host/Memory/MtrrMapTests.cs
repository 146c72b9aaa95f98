using System;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Xunit;

namespace Hv.HostTests;

public sealed class MtrrMapTests
{
    private const int PhysicalBits = 36;
    private const ulong Enable = 1 << 11, FixedEnable = 1 << 10, Valid = 1 << 11;
    private const ulong PhysicalEnd = 1ul << PhysicalBits;
    private const ulong MiB = 1 << 20, GiB = 1 << 30;

    private static readonly MemoryType[] s_types =
        [MemoryType.Uncacheable, MemoryType.WriteCombining, MemoryType.WriteThrough, MemoryType.WriteProtected, MemoryType.WriteBack];

    private static ulong Base(ulong start, MemoryType type) => start | (ulong)type;

    private static ulong Mask(ulong bytes) => (~(bytes - 1) & (PhysicalEnd - 1)) | Valid;

    private static MtrrMap Map(MemoryType defaultType, params ulong[] pairs) => new(Enable | (ulong)defaultType, pairs, [], PhysicalBits);

    [Fact]
    public void Everything_is_uncacheable_while_the_registers_are_off()
    {
        var map = new MtrrMap((ulong)MemoryType.WriteBack, [Base(0, MemoryType.WriteBack), Mask(GiB)], [], PhysicalBits);
        Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(0x1000), out ulong end));
        Assert.Equal(PhysicalEnd, end);
    }

    [Fact]
    public void The_default_type_holds_where_no_range_matches()
    {
        MtrrMap map = Map(MemoryType.WriteBack, Base(2 * GiB, MemoryType.Uncacheable), Mask(GiB));
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(GiB), out ulong end));
        Assert.Equal(2 * GiB, end);
        Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(2 * GiB), out end));
        Assert.Equal(3 * GiB, end);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(3 * GiB), out _));
    }

    [Fact]
    public void A_range_that_is_not_valid_does_not_count()
    {
        MtrrMap map = Map(MemoryType.WriteBack, Base(GiB, MemoryType.Uncacheable), Mask(GiB) & ~Valid);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(GiB), out ulong end));
        Assert.Equal(PhysicalEnd, end);
    }

    [Theory]
    [InlineData(MemoryType.Uncacheable, MemoryType.WriteBack, MemoryType.Uncacheable)]
    [InlineData(MemoryType.Uncacheable, MemoryType.WriteCombining, MemoryType.Uncacheable)]
    [InlineData(MemoryType.WriteThrough, MemoryType.WriteBack, MemoryType.WriteThrough)]
    [InlineData(MemoryType.WriteBack, MemoryType.WriteBack, MemoryType.WriteBack)]
    [InlineData(MemoryType.WriteCombining, MemoryType.WriteBack, MemoryType.Uncacheable)]
    public void Overlapping_ranges_combine_as_the_manual_says_whichever_comes_first(MemoryType one, MemoryType other, MemoryType both)
    {
        Assert.Equal(both, Map(MemoryType.WriteProtected, Base(0, one), Mask(GiB), Base(0, other), Mask(GiB)).TypeAt(new HostPhysical(MiB), out _));
        Assert.Equal(both, Map(MemoryType.WriteProtected, Base(0, other), Mask(GiB), Base(0, one), Mask(GiB)).TypeAt(new HostPhysical(MiB), out _));
    }

    [Fact]
    public void The_usual_hole_below_four_gigabytes_is_found_with_its_edges()
    {
        // 8 GiB of memory: write-back from 0 to 16 GiB, a hole of 1 GiB below 4 GiB.
        MtrrMap map = Map(MemoryType.Uncacheable, Base(0, MemoryType.WriteBack), Mask(16 * GiB), Base(3 * GiB, MemoryType.Uncacheable), Mask(GiB));
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(3 * GiB - 0x1000), out ulong end));
        Assert.Equal(3 * GiB, end);
        Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(0xFEE0_0000), out end));
        Assert.Equal(4 * GiB, end);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(4 * GiB), out _));
        Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(16 * GiB), out _));
    }

    [Theory]
    [InlineData(0x0_0000ul, 0, 0x1_0000ul)]
    [InlineData(0x7_FFFFul, 7, 0x8_0000ul)]
    [InlineData(0x8_0000ul, 8, 0x8_4000ul)]
    [InlineData(0xA_1234ul, 16, 0xA_4000ul)]
    [InlineData(0xB_FFFFul, 23, 0xC_0000ul)]
    [InlineData(0xC_0000ul, 24, 0xC_1000ul)]
    [InlineData(0xF_FFFFul, 87, 0x10_0000ul)]
    public void The_fixed_ranges_have_three_grains(ulong address, int entry, ulong expectedEnd)
    {
        ulong[] registers = new ulong[11];
        registers[entry / 8] = (ulong)MemoryType.WriteThrough << (entry % 8 * 8);
        var map = new MtrrMap(Enable | FixedEnable | (ulong)MemoryType.WriteBack, [Base(0, MemoryType.WriteBack), Mask(GiB)], registers, PhysicalBits);
        Assert.Equal(MemoryType.WriteThrough, map.TypeAt(new HostPhysical(address), out ulong end));
        Assert.Equal(expectedEnd, end);
        if (expectedEnd < MiB)
            Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(expectedEnd), out _));
    }

    [Fact]
    public void Without_the_fixed_ranges_the_variable_ones_reach_down_to_zero()
    {
        ulong[] registers = new ulong[11];
        var map = new MtrrMap(Enable | (ulong)MemoryType.Uncacheable, [Base(0, MemoryType.WriteBack), Mask(GiB)], registers, PhysicalBits);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(0xA_0000), out _));
    }

    [Fact]
    public void A_mask_with_holes_makes_a_range_in_pieces()
    {
        // Bit 30 does not count: the range is [0, 1 MiB) and [1 GiB, 1 GiB + 1 MiB).
        ulong mask = Mask(MiB) & ~GiB;
        MtrrMap map = Map(MemoryType.Uncacheable, Base(0, MemoryType.WriteBack), mask);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(0), out ulong end));
        Assert.Equal(MiB, end);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(GiB + MiB - 1), out _));
        Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(GiB + MiB), out _));
        Assert.Equal(MemoryType.Uncacheable, map.TypeAt(new HostPhysical(2 * GiB), out _));
    }

    [Fact]
    public void A_range_over_all_memory_has_an_empty_mask()
    {
        MtrrMap map = Map(MemoryType.Uncacheable, Base(0, MemoryType.WriteBack), Valid);
        Assert.Equal(MemoryType.WriteBack, map.TypeAt(new HostPhysical(PhysicalEnd - 1), out ulong end));
        Assert.Equal(PhysicalEnd, end);
    }

    [Fact]
    public void Random_registers_give_the_type_that_the_rules_give_for_each_address_alone()
    {
        var random = new Random(11);
        for (int round = 0; round < 300; round++)
        {
            ulong[] pairs = new ulong[random.Next(9) * 2];
            for (int i = 0; i < pairs.Length; i += 2)
            {
                ulong bytes = 1ul << random.Next(12, 34);
                ulong start = (ulong)random.NextInt64(1L << 34) & ~(bytes - 1);
                pairs[i] = Base(start, s_types[random.Next(s_types.Length)]);
                pairs[i + 1] = random.Next(8) == 0 ? Mask(bytes) & ~Valid : Mask(bytes);
            }
            MemoryType usual = s_types[random.Next(s_types.Length)];
            MtrrMap map = Map(usual, pairs);
            for (int probe = 0; probe < 200; probe++)
            {
                ulong address = (ulong)random.NextInt64(1L << 35);
                MemoryType type = map.TypeAt(new HostPhysical(address), out ulong end);
                Assert.True(end > address && end <= PhysicalEnd);
                Assert.Equal(Expected(usual, pairs, address), type);
                Assert.Equal(type, Expected(usual, pairs, end - 1));
                Assert.Equal(type, Expected(usual, pairs, address + (ulong)random.NextInt64((long)(end - address))));
            }
        }
    }

    private static MemoryType Expected(MemoryType usual, ulong[] pairs, ulong address)
    {
        MemoryType? type = null;
        for (int i = 0; i < pairs.Length; i += 2)
        {
            ulong mask = pairs[i + 1];
            if ((mask & Valid) == 0 || (address & mask & ~0xFFFul) != (pairs[i] & mask & ~0xFFFul))
                continue;
            var one = (MemoryType)(byte)pairs[i];
            if (type is not { } other || other == one)
                type = one;
            else if (one is MemoryType.WriteBack or MemoryType.WriteThrough && other is MemoryType.WriteBack or MemoryType.WriteThrough)
                type = MemoryType.WriteThrough;
            else
                type = MemoryType.Uncacheable;
        }
        return type ?? usual;
    }
}
