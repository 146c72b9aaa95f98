using System.Collections.Generic;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class FixedPlaceTests
{
    private const uint ShortEntry = 0x80FF_0002, LongEntry = 0x80FF_0004;

    private readonly PciBusModel _bus = new();
    private readonly PortPciHost _host;
    private readonly PciFunctionTable _table = new(16);

    public FixedPlaceTests()
    {
        _host = new PortPciHost(_bus.Ports);
        _bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));
    }

    private FixedPlace Place(PciAddress address)
    {
        Assert.Equal(Status.Ok, _table.Scan(_host, false));
        return new FixedPlace(_host, _table.Find(address)!);
    }

    /// <summary>Reads as an OS does, through the place or, where it does not answer, from the function.</summary>
    private uint Read(FixedPlace place, int offset, int size) =>
        place.TryRead(offset, size, out uint value) ? value : _host.Read(place.Address, offset, size);

    private int FindCapability(FixedPlace place, byte id)
    {
        Assert.Equal(PciRegister.StatusCapabilities, Read(place, PciRegister.Status, 2) & PciRegister.StatusCapabilities);
        HashSet<int> seen = [];
        for (int at = (int)Read(place, PciRegister.CapabilitiesPointer, 1); at != 0; at = (int)Read(place, at + 1, 1))
        {
            Assert.True(seen.Add(at));
            if (Read(place, at, 1) == id)
                return at;
        }
        return 0;
    }

    private uint[] ReadEntries(FixedPlace place, int words)
    {
        int at = FindCapability(place, FixedPlace.CapabilityId);
        var entries = new uint[words];
        for (int i = 0; i < words; i++)
            entries[i] = Read(place, at + 4 + 4 * i, 4);
        return entries;
    }

    [Fact]
    public void The_registers_places_are_told_once_and_the_functions_own_capabilities_stay()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000));
        model.AddBar(0, 0, 0x20000, 0xFEB8_0000);
        model.AddBar(2, PciRegister.BarIo, 0x20, 0xC040);
        model.AddBar(4, PciRegister.BarWide | PciRegister.BarPrefetchable, 0x4000, 0x8_0000_4000);
        model.AddPowerManagement(0xC8, noSoftReset: false);
        model.AddMsi(0xD0);
        model.AddExpress(0xE8, flr: true);
        model.Write(PciRegister.Command, 2, PciRegister.CommandMemory);
        FixedPlace place = Place(new PciAddress(0, 3, 0));
        Assert.False(place.TryRead(PciRegister.Command, 4, out _));

        Assert.Equal(Status.Ok, place.Announce(movedBars: 0));

        Assert.Equal(PciRegister.CommandMemory, model.Get(PciRegister.Command, 2));
        Assert.Equal(0xFEB8_0000u, model.Get(PciRegister.Bar0, 4));
        Assert.Equal(0xC8, FindCapability(place, PciRegister.CapabilityPowerManagement));
        Assert.Equal(0xE8, FindCapability(place, PciRegister.CapabilityExpress));
        int at = FindCapability(place, FixedPlace.CapabilityId);
        Assert.InRange(at, 0x40, 0xC8 - 4 * 12);
        Assert.Equal(3u, Read(place, at + 2, 1));
        Assert.Equal(
            (uint[])[
                ShortEntry, 0xFEB8_0000, 0x1_FFFC,
                ShortEntry | 2 << 4 | 2 << 8, 0xC040, 0x1C,
                LongEntry | 4 << 4, 0x4002, 0x3FFE, 8, 0,
            ], ReadEntries(place, 11));
        Assert.False(place.IsAnnounced);
        Assert.Equal(0xC8u, Read(place, PciRegister.CapabilitiesPointer, 1));
        Assert.Equal(0, FindCapability(place, FixedPlace.CapabilityId));
    }

    [Fact]
    public void The_expansion_ROM_is_not_there_meanwhile()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000));
        model.AddBar(0, 0, 0x1000, 0xFEB8_0000);
        model.Put(PciRegister.ExpansionRom, 4, 0xFEA0_0000);
        FixedPlace place = Place(new PciAddress(0, 3, 0));
        Assert.False(place.Drops(PciRegister.ExpansionRom));
        Assert.Equal(Status.Ok, place.Announce(movedBars: 0));
        Assert.True(place.Drops(PciRegister.ExpansionRom));
        Assert.False(place.Drops(PciRegister.Bar0));
        Assert.Equal(0u, Read(place, PciRegister.ExpansionRom, 4));
        place.Withdraw();
        Assert.Equal(0xFEA0_0000u, Read(place, PciRegister.ExpansionRom, 4));
    }

    [Fact]
    public void A_function_without_capabilities_gets_a_list_of_one()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, new PciFunctionModel(0x10EC, 0x8139, 0x020000));
        model.AddBar(0, PciRegister.BarIo, 0x100, 0xC000);
        FixedPlace place = Place(new PciAddress(0, 3, 0));
        Assert.Equal(Status.Ok, place.Announce(movedBars: 0));
        Assert.Equal((uint[])[ShortEntry | 2 << 8, 0xC000, 0xFC], ReadEntries(place, 3));
        Assert.Equal(0u, Read(place, PciRegister.Status, 2) & PciRegister.StatusCapabilities);
    }

    [Fact]
    public void Behind_a_bridge_an_entry_is_of_the_kind_of_its_window()
    {
        PciFunctionModel bridge = _bus.Add(0, 28, 0, new PciFunctionModel(0x8086, 0xA118, 0x060400, 1));
        bridge.Put(PciRegister.PrimaryBus, 3, 0x020200);
        bridge.Put(PciRegister.SecondaryBus, 1, 2);
        bridge.Put(PciRegister.MemoryBase, 4, 0xFE90_FE80);
        bridge.Put(PciRegister.PrefetchableBase, 4, 0x0011_0001);
        bridge.Put(PciRegister.PrefetchableBaseUpper, 4, 8);
        bridge.Put(PciRegister.PrefetchableLimitUpper, 4, 8);
        bridge.Put(PciRegister.IoBase, 2, 0xD0C0);
        PciFunctionModel model = _bus.Add(2, 0, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000));
        model.AddBar(0, PciRegister.BarPrefetchable, 0x1000, 0xFE90_0000);
        model.AddBar(1, PciRegister.BarIo, 0x20, 0xD000);
        model.AddBar(2, PciRegister.BarWide, 0x4000, 0x8_0010_0000);
        FixedPlace place = Place(new PciAddress(2, 0, 0));
        Assert.Equal(Status.Ok, place.Announce(movedBars: 0));
        Assert.Equal(
            (uint[])[ShortEntry, 0xFE90_0000, 0xFFC, ShortEntry | 1 << 4 | 2 << 8, 0xD000, 0x1C, LongEntry | 2 << 4 | 1 << 8, 0x0010_0002, 0x3FFE, 8, 0],
            ReadEntries(place, 11));
        // The window ends before it.
        model.Put(PciRegister.Bar0, 4, 0xFEA0_0008);
        Assert.Equal(Status.NotFound, place.Announce(movedBars: 0));
        Assert.False(place.IsAnnounced);
    }

    [Theory]
    [InlineData(1 << 0, 2, ShortEntry | 1 << 4 | 2 << 8, 0xC040u)]
    [InlineData(1 << 1, 2, ShortEntry, 0xFEB8_0000u)]
    [InlineData(1 << 3, 2, ShortEntry, 0xFEB8_0000u)]
    [InlineData(1 << 0 | 1 << 1 | 1 << 2, 0, 0u, 0u)]
    public void Of_registers_that_the_OS_had_moved_nothing_is_told(byte moved, int entries, uint firstEntry, uint firstAddress)
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, new PciFunctionModel(0x8086, 0x2922, 0x010601));
        model.AddBar(0, 0, 0x1000, 0xFEB8_0000);
        model.AddBar(1, PciRegister.BarIo, 0x20, 0xC040);
        model.AddBar(2, PciRegister.BarWide, 0x4000, 0x8_0000_4000);
        FixedPlace place = Place(new PciAddress(0, 3, 0));
        Assert.Equal(entries == 0 ? Status.NotFound : Status.Ok, place.Announce(moved));
        Assert.Equal(entries != 0, place.IsAnnounced);
        if (entries == 0)
            return;
        Assert.Equal((uint)entries, Read(place, FindCapability(place, FixedPlace.CapabilityId) + 2, 1));
        Assert.Equal((uint[])[firstEntry, firstAddress], ReadEntries(place, 2));
    }

    [Fact]
    public void Without_registers_places_or_room_nothing_is_told()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000));
        FixedPlace place = Place(new PciAddress(0, 3, 0));
        Assert.Equal(Status.NotFound, place.Announce(movedBars: 0));
        model.AddBar(0, 0, 0x1000, 0);
        Assert.Equal(Status.NotFound, place.Announce(movedBars: 0));
        model.Put(PciRegister.Bar0, 4, 0xFEB8_0000);
        // Of unknown size: it may reach to the end.
        model.AddCapability(0x7F, 0x40);
        Assert.Equal(Status.OutOfMemory, place.Announce(movedBars: 0));
        Assert.False(place.IsAnnounced);
    }

    [Fact]
    public void Places_are_found_by_address_until_they_are_read_or_taken_back()
    {
        var places = new FixedPlaces(2);
        for (int device = 3; device < 5; device++)
            _bus.Add(0, device, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000)).AddBar(0, 0, 0x1000, 0xFEB0_0000 + (ulong)device * 0x1000);
        Assert.Equal(Status.Ok, _table.Scan(_host, false));
        for (int device = 3; device < 5; device++)
            places.Add(_host, _table.Find(new PciAddress(0, device, 0))!);
        Assert.Null(places.Find(3 << 3));
        Assert.Equal(Status.Ok, places.Announce(1, movedBars: 0));
        Assert.Null(places.Find(3 << 3));
        Assert.NotNull(places.Find(4 << 3));
        places.Withdraw();
        Assert.Null(places.Find(4 << 3));
    }
}
