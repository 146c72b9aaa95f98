using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class RegisterPlacesTests
{
    private const ulong Size = 0x4000;

    private readonly RegisterPlaces _places = new(4);

    [Fact]
    public void Room_is_found_behind_what_is_there()
    {
        _places.Add(0x8000_0000, 0x8002_0000);
        Assert.Equal(0x8002_0000ul, _places.FindRoom(Size));
        _places.Add(0x8002_0000, 0x8002_0100);
        Assert.Equal(0x8002_4000ul, _places.FindRoom(Size));
    }

    [Fact]
    public void The_lowest_gap_that_is_large_enough_is_taken()
    {
        _places.Add(0xC000_0000, 0xC100_0000);
        _places.Add(0x8000_2000, 0x8000_3000);
        _places.Add(0x8000_7000, 0x8000_8000);
        Assert.Equal(0x8000_8000ul, _places.FindRoom(Size));
        Assert.Equal(0x8000_3000ul, _places.FindRoom(0x1000));
    }

    [Fact]
    public void Nothing_is_found_where_nothing_is_known_or_no_room_left()
    {
        Assert.Equal(0ul, _places.FindRoom(Size));
        _places.Add(0, 0x1000);
        _places.Add(0x9000_0000, 0x9000_0000);
        Assert.Equal(0ul, _places.FindRoom(Size));
        _places.Add(0xF000_0000, 0xFEBF_F000);
        _places.Add(0xFFFF_FFFF_FFFF_0000, ulong.MaxValue);
        Assert.Equal(0ul, _places.FindRoom(Size));
    }

    [Fact]
    public void More_ranges_than_are_known_leave_no_room()
    {
        for (uint i = 1; i <= 5; i++)
            _places.Add(i * 0x1000_0000ul, i * 0x1000_0000ul + 0x1000);
        Assert.Equal(0ul, _places.FindRoom(Size));
    }

    [Fact]
    public void Registers_and_windows_of_functions_are_in_use()
    {
        var bus = new PciBusModel();
        var host = new PortPciHost(bus.Ports);
        bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));
        PciFunctionModel card = bus.Add(0, 2, 0, new PciFunctionModel(0x8086, 0x100E, 0x020000));
        card.AddBar(0, 0, 0x20000, 0x8000_0000);
        PciFunctionModel bridge = bus.Add(0, 3, 0, new PciFunctionModel(0x8086, 0x3420, 0x060400, PciConfig.HeaderBridge));
        bridge.Put(PciRegister.SecondaryBus, 1, 1);
        bridge.Put(PciRegister.MemoryBase, 4, 0x8010_8000);
        bridge.Put(PciRegister.PrefetchableBase, 4, 0x0000_FFF0);
        var functions = new PciFunctionTable(8);
        Assert.Equal(Status.Ok, functions.Scan(host, false));
        for (int i = 0; i < functions.Count; i++)
            _places.AddFunction(host, functions[i]);
        Assert.Equal(0x8020_0000ul, _places.FindRoom(Size));
    }
}
