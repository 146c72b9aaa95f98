using System;
using System.Linq;
using System.Text;
using Hv.Boot.Acpi;
using Xunit;

namespace Hv.HostTests.Boot;

public sealed class HotAddTableTests
{
    [Fact]
    public void The_event_looks_at_the_buses_and_devices_without_object_get_one()
    {
        byte[] table = Build(present: 1u << 0 | 1u << 2 | 1u << 0x1F, Bridge(0, described: 1 << 0, "_SB_", "PCI0"));
        byte[] expected = Join(
            Scope(Join([0x5C], "_GPE"u8.ToArray()), Method("_E3F", Join([0x86, 0x5C, 0x2E], "_SB_PCI0"u8.ToArray(), [0]))),
            Scope(Join([0x5C, 0x2E], "_SB_PCI0"u8.ToArray()), Device("HV02", 0x2_0000), Device("HV1F", 0x1F_0000)));
        Assert.Equal(expected, table[36..]);
    }

    [Fact]
    public void The_header_is_that_of_an_SSDT()
    {
        byte[] table = Build(present: 1 << 2, Bridge(0, 0, "_SB_", "PCI0"));
        Assert.Equal("SSDT", Encoding.ASCII.GetString(table, 0, 4));
        Assert.Equal(table.Length, BitConverter.ToInt32(table, 4));
        Assert.Equal(2, table[8]);
        Assert.Equal(0, table.Sum(value => value) & 0xFF);
        Assert.Equal("HV    HVHOTADD", Encoding.ASCII.GetString(table, 10, 14));
    }

    // What is written is read back, by the code that reads the firmware's tables.
    [Fact]
    public void All_host_bridges_are_notified_and_only_the_one_of_bus_0_gets_objects()
    {
        RootBridge first = Bridge(0, described: 1 << 3, "_SB_", "PC00"), other = Bridge(0x40, 0, "_SB_", "SKT0", "PC01"), single = Bridge(0x80, 0, "PCI9");
        byte[] table = Build(present: 0xFFFF_FFFF, first, other, single);
        RootBridge[] found = [first, other, single];
        for (int i = 0; i < found.Length; i++)
            found[i].Described = 0;
        AcpiNamespace.MarkDescribed(table.AsSpan(36), found);
        Assert.Equal([~(1u << 3), 0u, 0u], found.Select(bridge => bridge.Described));
        EventSet used = default;
        AcpiNamespace.AddEvents(table.AsSpan(36), ref used);
        Assert.True(used.Has(0x3F));
        Assert.Equal(2, Count(table, "PC00"u8));
        Assert.Equal(1, Count(table, "_SB_SKT0PC01"u8));
        Assert.Equal(1, Count(table, "PCI9"u8));
    }

    [Fact]
    public void Nothing_is_built_where_there_is_no_room()
    {
        RootBridge bridge = Bridge(0, 0, "_SB_", "PCI0");
        int bytes = HotAddTable.Build(new byte[HotAddTable.MaxBytes], [bridge], uint.MaxValue, 5);
        Assert.InRange(bytes, 1, HotAddTable.MaxBytes);
        for (int room = 0; room < bytes; room++)
            Assert.Equal(0, HotAddTable.Build(new byte[room], [bridge], uint.MaxValue, 5));
        Assert.Equal(bytes, HotAddTable.Build(new byte[bytes], [bridge], uint.MaxValue, 5));
    }

    [Fact]
    public void The_largest_table_fits()
    {
        string[] longest = [.. Enumerable.Repeat("ABCD", AmlPath.MaxSegments)];
        RootBridge[] bridges = [.. Enumerable.Range(0, 8).Select(i => Bridge((uint)(i == 0 ? 0 : 1), 0, longest))];
        Assert.InRange(HotAddTable.Build(new byte[HotAddTable.MaxBytes], bridges, uint.MaxValue, 127), 1, HotAddTable.MaxBytes);
    }

    [Theory]
    [InlineData(0x620, 16, 0, 0, 64)]
    [InlineData(0xAFE0, 4, 0xAFE0, 1, 16)]
    [InlineData(0xAFE0, 4, 0xAFE0, 0, 0)] // in memory
    [InlineData(0xAFE0, 4, 0xB000, 1, 0)] // two places
    [InlineData(0, 16, 0, 0, 0)]
    [InlineData(0x620, 1, 0, 0, 0)]
    [InlineData(0x620, 255, 0, 0, 128)]
    [InlineData(0x1_0000, 16, 0, 0, 0)]
    public void The_number_of_events_is_that_of_a_block_at_ports(uint port, byte length, uint extended, byte space, int count)
    {
        byte[] fadt = new byte[244];
        BitConverter.GetBytes(port).CopyTo(fadt, 80);
        fadt[92] = length;
        fadt[220] = space;
        BitConverter.GetBytes((ulong)extended).CopyTo(fadt, 224);
        Assert.Equal(count, GeneralEventBlock.CountEvents(fadt));
        fadt[114] = 0x10; // HW_REDUCED_ACPI
        Assert.Equal(0, GeneralEventBlock.CountEvents(fadt));
        for (int i = 0; i < 116; i++)
            Assert.Equal(0, GeneralEventBlock.CountEvents(fadt.AsSpan(0, i)));
    }

    private static byte[] Build(uint present, params RootBridge[] bridges)
    {
        byte[] table = new byte[HotAddTable.MaxBytes];
        int bytes = HotAddTable.Build(table, bridges, present, 0x3F);
        Assert.InRange(bytes, 36, table.Length);
        Assert.All(table.Skip(bytes), value => Assert.Equal(0, value));
        return table[..bytes];
    }

    private static RootBridge Bridge(uint bus, uint described, params string[] path)
    {
        var bridge = new RootBridge { Bus = bus, Described = described };
        foreach (string segment in path)
            Assert.True(bridge.Path.TryAppend(BitConverter.ToUInt32(Encoding.ASCII.GetBytes(segment))));
        return bridge;
    }

    private static int Count(byte[] table, ReadOnlySpan<byte> text)
    {
        int count = 0;
        for (int i = 0; i + text.Length <= table.Length; i++)
            count += table.AsSpan(i, text.Length).SequenceEqual(text) ? 1 : 0;
        return count;
    }

    private static byte[] Scope(byte[] name, params byte[][] body) => Join([0x10], Package(Join(name, Join(body))));

    private static byte[] Method(string name, byte[] body) => Join([0x14], Package(Join(Encoding.ASCII.GetBytes(name), [0], body)));

    private static byte[] Device(string name, uint address) =>
        Join([0x5B, 0x82], Package(Join(Encoding.ASCII.GetBytes(name), [0x08], "_ADR"u8.ToArray(), [0x0C], BitConverter.GetBytes(address))));

    // Always with two bytes of length.
    private static byte[] Package(byte[] body) => [(byte)(0x40 | (body.Length + 2) & 0xF), (byte)((body.Length + 2) >> 4), .. body];

    private static byte[] Join(params byte[][] parts) => Aml.Join(parts);
}
