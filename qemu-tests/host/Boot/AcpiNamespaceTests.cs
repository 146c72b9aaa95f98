using System;
using System.Linq;
using System.Text;
using Hv.Boot.Acpi;
using Xunit;

namespace Hv.HostTests.Boot;

public sealed class AcpiNamespaceTests
{
    private static readonly byte[] s_pci = [0x0C, 0x41, 0xD0, 0x0A, 0x03], s_pciExpress = [0x0C, 0x41, 0xD0, 0x0A, 0x08], s_other = [0x0C, 0x41, 0xD0, 0x0C, 0x0F];

    [Fact]
    public void A_host_bridge_is_found_in_its_scope() => Assert.Equal([(@"\_SB_.PCI0", 0u, 0u)], Read(Aml.Scope("_SB", Aml.Device("PCI0", Aml.Named("_HID", s_pci)))));

    [Fact]
    public void Names_may_be_absolute_relative_or_go_up() => Assert.Equal(
        [(@"\_SB_.PCI0", 0u, 0u), (@"\_SB_.PCI1", 0u, 0u), (@"\_SB_.PCI2", 0u, 0u), (@"\A___.B___.C___.PCI3", 0u, 0u)],
        Read(Aml.Device(@"\_SB.PCI0", Aml.Named("_HID", s_pci)), Aml.Scope("_SB", Aml.Scope("DEEP", Aml.Device("^PCI1", Aml.Named("_HID", s_pci))),
            Aml.Device(@"\_SB.PCI2", Aml.Named("_HID", s_pci))), Aml.Scope(@"\", Aml.Device("A.B.C.PCI3", Aml.Named("_HID", s_pci)))));

    [Fact]
    public void A_host_bridge_is_known_by_either_kind_of_identification() => Assert.Equal(4, Read(
        Aml.Device("PCI0", Aml.Named("_HID", s_pciExpress)), Aml.Device("PCI1", Aml.Named("_HID", Aml.Text("PNP0A08"))), Aml.Device("PCI2", Aml.Named("_HID", Aml.Text("PNP0A03"))),
        Aml.Device("PCI3", Aml.Named("_HID", Aml.Text("ACPI0016")), Aml.Named("_CID", s_pciExpress)), Aml.Device("PCI4", Aml.Named("_HID", s_other)),
        Aml.Device("PCI5", Aml.Named("_HID", Aml.Text("PNP0A031")))).Length);

    [Fact]
    public void The_bus_of_a_host_bridge_is_read() => Assert.Equal([(@"\_SB_.PCI0", 0u, 0u), (@"\_SB_.PCI1", 0x80u, 0u)], Read(Aml.Scope("_SB",
        Aml.Device("PCI0", Aml.Named("_BBN", Aml.Integer(0)), Aml.Named("_HID", s_pci)), Aml.Device("PCI1", Aml.Named("_HID", s_pci), Aml.Named("_BBN", Aml.Integer(0x80))))));

    [Fact]
    public void What_is_further_down_does_not_describe_the_device_above() => Assert.Equal([(@"\_SB_.BOX_.PCI0", 0u, 0u)],
        Read(Aml.Scope("_SB", Aml.Device("BOX", Aml.Device("PCI0", Aml.Named("_HID", s_pci))))));

    [Fact]
    public void Methods_strings_and_buffers_are_not_looked_into() => Assert.Empty(Read(
        Aml.Method("FAKE", Aml.Device("PCI0", Aml.Named("_HID", s_pci))), Aml.Named("BUFF", Aml.Buffer(Aml.Device("PCI1", Aml.Named("_HID", s_pci)))),
        Aml.Named("TEXT", Aml.Text("\u0010\u0020\u005B")), Aml.Named("LIST", Aml.List(Aml.Device("PCI2", Aml.Named("_HID", s_pci))))));

    [Fact]
    public void Devices_below_a_host_bridge_are_marked_wherever_they_are_defined()
    {
        byte[] bridge = Aml.Scope("_SB", Aml.Device("PCI0", Aml.Device("LPC", Aml.Named("_ADR", Aml.Integer(0x1F_0000)), Aml.Device("KBD", Aml.Named("_ADR", Aml.Integer(0x1_0000)))),
            Aml.Named("_HID", s_pci), Aml.Device("NONE", Aml.Named("_HID", s_other))));
        byte[] later = Aml.Join(Aml.Scope(@"\_SB.PCI0", Aml.If(Aml.Device("S18", Aml.Named("_ADR", Aml.Integer(0x3_0000)))), Aml.Device("S00", Aml.Named("_ADR", Aml.Integer(0)))),
            Aml.Device(@"\_SB.PCI0.XHC", Aml.Named("_ADR", Aml.Integer(0x14_0003))), Aml.Scope("_SB", Aml.Device("ELSE", Aml.Named("_ADR", Aml.Integer(0x4_0000)))));
        Assert.Equal([(@"\_SB_.PCI0", 0u, 1u << 31 | 1u << 3 | 1u << 0 | 1u << 20)], Read(bridge, later));
    }

    [Fact]
    public void No_more_bridges_are_found_than_there_is_room_for()
    {
        byte[] code = Aml.Join([.. Enumerable.Range(0, 12).Select(i => Aml.Device($"PC{i:X2}", Aml.Named("_HID", s_pci)))]);
        var bridges = new RootBridge[8];
        Assert.Equal(8, AcpiNamespace.FindRootBridges(code, bridges, 0));
    }

    [Fact]
    public void Events_with_a_method_and_wake_events_are_used()
    {
        EventSet used = default;
        AcpiNamespace.AddEvents(Aml.Join(Aml.Scope("_GPE", Aml.Method("_L6F"), Aml.Method("_E02")), Aml.Method(@"\_GPE._E6E"),
            Aml.Named("_PRW", Aml.List(Aml.Integer(0x6D), Aml.Integer(4))), Aml.Method("_PRW", [0xA4], Aml.Name("GPRW"), Aml.Integer(0x6B), Aml.Integer(4))), ref used);
        Assert.Equal([2, 4, 0x6B, 0x6D, 0x6E, 0x6F], Enumerable.Range(0, 128).Where(i => used.Has((byte)i)));
        Assert.Equal(0x6C, AcpiNamespace.FindFreeEvent(in used, 0x70));
        Assert.Equal(0x7F, AcpiNamespace.FindFreeEvent(in used, 1000));
        Assert.Equal(3, AcpiNamespace.FindFreeEvent(in used, 5));
    }

    [Fact]
    public void If_all_events_are_used_there_is_none()
    {
        EventSet used = default;
        for (int i = 0; i < 256; i++)
            used.Add((byte)i);
        Assert.Equal(-1, AcpiNamespace.FindFreeEvent(in used, 128));
        Assert.Equal(-1, AcpiNamespace.FindFreeEvent(default, 0));
    }

    // The span ends where the code does: a read beyond it throws. That it comes to an end at all is what the test's time is for.
    [Fact]
    public void Random_code_does_no_harm()
    {
        var random = new Random(7);
        byte[] opcodes = [0x10, 0x14, 0x08, 0x5B, 0x82, 0x0D, 0x11, 0x12, 0x0A, 0x0C, 0x2E, 0x2F, 0x5C, 0x5E, (byte)'_', (byte)'A', (byte)'P', (byte)'R', (byte)'W'];
        for (int round = 0; round < 20_000; round++)
        {
            byte[] code = new byte[random.Next(200)];
            random.NextBytes(code);
            for (int i = 0; i < code.Length; i++)
            {
                if (random.Next(3) != 0)
                    code[i] = opcodes[random.Next(opcodes.Length)];
            }
            ReadAll(code);
        }
    }

    [Fact]
    public void Damaged_and_truncated_tables_do_no_harm()
    {
        byte[] good = Aml.Scope("_SB", Aml.Device("PCI0", Aml.Named("_HID", s_pci), Aml.Named("_BBN", Aml.Integer(0)), Aml.Device("LPC", Aml.Named("_ADR", Aml.Integer(0x1F_0000)),
            Aml.Named("_PRW", Aml.List(Aml.Integer(0x0B), Aml.Integer(4))), Aml.Named("_CRS", Aml.Buffer(new byte[80])))), Aml.Method("_L0A", Aml.Integer(7)));
        var random = new Random(8);
        for (int length = 0; length <= good.Length; length++)
            ReadAll(good[..length]);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] code = (byte[])good.Clone();
            for (int i = random.Next(4); i >= 0; i--)
                code[random.Next(code.Length)] = (byte)random.Next(256);
            ReadAll(code);
        }
    }

    // Firmware's tables have some hundred KiB at most; the longest one that is read has a MiB.
    [Fact]
    public void Deep_and_long_code_is_read_in_time()
    {
        byte[] nested = Aml.Named("_HID", s_pci);
        for (int i = 0; i < 3000; i++)
            nested = Aml.Device("DEEP", nested);
        byte[] scopes = new byte[1 << 20];
        for (int i = 0; i + 6 <= scopes.Length; i += 6)
            Aml.Scope("AAAA").CopyTo(scopes, i);
        ReadAll(nested);
        ReadAll(scopes);
        ReadAll([.. Enumerable.Repeat((byte)0x0D, 1 << 20)]);
    }

    private static void ReadAll(byte[] code)
    {
        EventSet used = default;
        var bridges = new RootBridge[4];
        int count = AcpiNamespace.FindRootBridges(code, bridges, 0);
        Assert.InRange(count, 0, bridges.Length);
        AcpiNamespace.MarkDescribed(code, bridges.AsSpan(0, count));
        AcpiNamespace.AddEvents(code, ref used);
    }

    private static (string Path, uint Bus, uint Described)[] Read(params byte[][] tables)
    {
        var bridges = new RootBridge[8];
        int count = 0;
        foreach (byte[] table in tables)
            count = AcpiNamespace.FindRootBridges(table, bridges, count);
        foreach (byte[] table in tables)
            AcpiNamespace.MarkDescribed(table, bridges.AsSpan(0, count));
        return [.. bridges.Take(count).Select(bridge => (Show(bridge.Path), bridge.Bus, bridge.Described))];
    }

    private static string Show(AmlPath path) => @"\" + string.Join('.', Enumerable.Range(0, path.Count).Select(i => Encoding.ASCII.GetString(BitConverter.GetBytes(path[i]))));
}
