using System;
using System.Buffers.Binary;
using System.Linq;
using Hv.Boot.Acpi;
using Hv.Drivers.Iommu;
using Hv.Drivers.Iommu.AmdVi;
using Hv.Drivers.Iommu.Vtd;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class RemappingTableTests
{
    private readonly RemappingUnits _units = new();

    private static byte[] Table(string signature, params byte[][] parts)
    {
        byte[] table = [.. System.Text.Encoding.ASCII.GetBytes(signature), .. new byte[44], .. parts.SelectMany(part => part)];
        BinaryPrimitives.WriteInt32LittleEndian(table.AsSpan(4), table.Length);
        table[9] = (byte)-table.Sum(value => value);
        return table;
    }

    private static byte[] Words(params (int Offset, int Bytes, ulong Value)[] fields)
    {
        byte[] structure = new byte[fields.Max(field => field.Offset + field.Bytes)];
        foreach ((int offset, int bytes, ulong value) in fields)
        {
            for (int i = 0; i < bytes; i++)
                structure[offset + i] = (byte)(value >> 8 * i);
        }
        return structure;
    }

    private static byte[] Drhd(ulong registers, byte size = 0, ushort segment = 0, int scopes = 8) => [.. Words((0, 2, 0), (2, 2, 16 + (ulong)scopes), (4, 1, 1), (5, 1, size), (6, 2, segment), (8, 8, registers)), .. new byte[scopes]];

    private static byte[] Rmrr(ulong start, ulong limit) => Words((0, 2, 1), (2, 2, 24), (8, 8, start), (16, 8, limit));

    private static byte[] Ivhd(byte type, ulong registers, ushort segment = 0, int length = 40) => [.. Words((0, 1, type), (1, 1, 0xB2), (2, 2, (ulong)length), (8, 8, registers), (16, 2, segment), (23, 1, 0)), .. new byte[Math.Max(0, length - 24)]];

    private static byte[] Ivmd(ulong start, ulong bytes) => Words((0, 1, 0x21), (2, 2, 32), (16, 8, start), (24, 8, bytes));

    [Fact]
    public void All_units_and_regions_of_a_DMAR_are_found()
    {
        byte[] other = Words((0, 2, 2), (2, 2, 8), (7, 1, 0));
        Assert.Equal(Status.Ok, DmarTable.Read(Table("DMAR", Drhd(0xFED9_0000, scopes: 0), other, Rmrr(0x7C00_0000, 0x7FFF_FFFF), Drhd(0xFED9_1000, size: 2)), _units));
        Assert.Equal((2, 1), (_units.Count, _units.Regions));
        Assert.Equal((0xFED9_0000ul, 0x1000ul), (_units.Registers(0), _units.RegisterBytes(0)));
        Assert.Equal((0xFED9_1000ul, 0x4000ul), (_units.Registers(1), _units.RegisterBytes(1)));
        Assert.Equal((0x7C00_0000ul, 0x8000_0000ul), (_units.RegionStart(0), _units.RegionEnd(0)));
        _units.Extend(0, 0x3000);
        _units.Extend(1, 0x1000);
        Assert.Equal((0x3000ul, 0x4000ul), (_units.RegisterBytes(0), _units.RegisterBytes(1)));
    }

    [Fact]
    public void A_unit_that_an_IVRS_describes_in_several_ways_counts_once()
    {
        Assert.Equal(Status.Ok, IvrsTable.Read(Table("IVRS", Ivhd(0x10, 0xFEB8_0000, length: 24), Ivhd(0x11, 0xFEB8_0000), Ivmd(0x9000, 0x1000), Ivhd(0x40, 0xFEB8_4000)), _units));
        Assert.Equal((2, 1), (_units.Count, _units.Regions));
        Assert.Equal((0xFEB8_0000ul, 0x4000ul, (byte)0xB2), (_units.Registers(0), _units.RegisterBytes(0), _units.Flags(0)));
        Assert.Equal((0x9000ul, 0xA000ul), (_units.RegionStart(0), _units.RegionEnd(0)));
    }

    [Fact]
    public void What_contradicts_itself_is_malformed()
    {
        byte[][] dmars =
        [
            Table("DMAR", [0, 0, 3, 0]), Table("DMAR", Drhd(0xFED9_0000)[..20]), Table("DMAR", Drhd(0)), Table("DMAR", Drhd(0xFED9_0010)), Table("DMAR", [0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            Table("DMAR", Drhd(0xFED9_0000), [0]), Table("DMAR", Rmrr(0x2000, 0x1000)), Table("DMAR", Rmrr(0, ulong.MaxValue)), Table("DMAR", [1, 0, 8, 0, 0, 0, 0, 0]),
        ];
        Assert.All(dmars, table => Assert.Equal(Status.Malformed, DmarTable.Read(table, new RemappingUnits())));
        byte[][] ivrss =
        [
            Table("IVRS", [0x10, 0, 3, 0]), Table("IVRS", Ivhd(0x10, 0)), Table("IVRS", Ivhd(0x10, 0xFEB8_1000)), Table("IVRS", [0x10, 0, 8, 0, 0, 0, 0, 0]),
            Table("IVRS", Ivmd(0x9000, ulong.MaxValue)), Table("IVRS", [0x20, 0, 4, 0]), Table("IVRS", Ivhd(0x11, 0xFEB8_0000), [1, 2]),
        ];
        Assert.All(ivrss, table => Assert.Equal(Status.Malformed, IvrsTable.Read(table, new RemappingUnits())));
    }

    [Fact]
    public void Other_segments_too_many_units_and_none_are_told_apart()
    {
        Assert.Equal(Status.Unsupported, DmarTable.Read(Table("DMAR", Drhd(0xFED9_0000, segment: 1)), new RemappingUnits()));
        Assert.Equal(Status.Unsupported, IvrsTable.Read(Table("IVRS", Ivhd(0x10, 0xFEB8_0000, segment: 1)), new RemappingUnits()));
        Assert.Equal(Status.NotFound, DmarTable.Read(Table("DMAR"), new RemappingUnits()));
        Assert.Equal(Status.NotFound, IvrsTable.Read(Table("IVRS", Ivmd(0, 0)), new RemappingUnits()));
        byte[][] many = [.. Enumerable.Range(1, RemappingUnits.MaxUnits + 1).Select(i => Drhd((ulong)i << 12))];
        Assert.Equal(Status.Ok, DmarTable.Read(Table("DMAR", many[1..]), new RemappingUnits()));
        Assert.Equal(Status.OutOfMemory, DmarTable.Read(Table("DMAR", many), new RemappingUnits()));
        byte[][] regions = [.. Enumerable.Range(0, RemappingUnits.MaxRegions + 1).Select(i => Rmrr((ulong)i << 12, (ulong)i << 12))];
        Assert.Equal(Status.OutOfMemory, DmarTable.Read(Table("DMAR", regions), new RemappingUnits()));
    }

    [Fact]
    public void No_table_whatever_is_in_it_is_read_beyond_its_end_or_for_ever()
    {
        var random = new Random(5);
        byte[] dmar = Table("DMAR", Drhd(0xFED9_0000), Rmrr(0x1000, 0x1FFF), Drhd(0xFED9_1000)), ivrs = Table("IVRS", Ivhd(0x10, 0xFEB8_0000), Ivmd(0x9000, 0x1000), Ivhd(0x40, 0xFEB8_4000));
        for (int round = 0; round < 20_000; round++)
        {
            byte[] table = (byte[])(round % 2 == 0 ? dmar : ivrs).Clone();
            if (round % 5 == 0)
                random.NextBytes(table.AsSpan(48));
            for (int change = random.Next(4); change > 0; change--)
                table[random.Next(48, table.Length)] = (byte)random.Next(256);
            table = table[..random.Next(table.Length + 1)];
            foreach (bool asDmar in new[] { true, false })
            {
                var units = new RemappingUnits();
                Status status = asDmar ? DmarTable.Read(table, units) : IvrsTable.Read(table, units);
                Assert.True(units.Count <= RemappingUnits.MaxUnits && units.Regions <= RemappingUnits.MaxRegions);
                Assert.False(status == Status.Ok && units.Count == 0);
            }
        }
    }

    [Fact]
    public void A_hidden_table_is_a_table_with_another_name()
    {
        byte[] table = Table("DMAR", Drhd(0xFED9_0000));
        byte[] before = (byte[])table.Clone();
        AcpiTables.Hide(table);
        Assert.Equal("XMAR"u8, table.AsSpan(0, 4));
        Assert.Equal(0, table.Sum(value => value) & 0xFF);
        Assert.Equal(before[10..], table[10..]);
        Assert.Equal(before[4..9], table[4..9]);
    }
}
