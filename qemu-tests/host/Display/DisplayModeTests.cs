using Hv.Drivers.Display;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests.Display;

/// <summary>The display comes back to the mode of the boot snapshot, whatever a driver has made of it.</summary>
public sealed class DisplayModeTests
{
    private readonly DispiModel _card = new();

    [Fact]
    public void A_mode_that_a_driver_has_set_gives_way_to_the_firmwares_and_the_picture_stays()
    {
        _card.Set(1280, 800, 32, 1280, 0, 0);
        string boot = _card.Mode;
        DisplayMode mode = Captured(0x1234, 0x1111, 0x030000);
        Assert.True(mode.IsKnown);
        _card.Set(1024, 768, 16, 2048, 8, 768);
        _card.Darken(true);
        mode.Restore();
        Assert.Equal(boot, _card.Mode);
        Assert.False(_card.WasCleared);
        Assert.False(_card.IsDark);
    }

    [Fact]
    public void A_picture_that_the_firmware_has_shifted_is_shifted_again()
    {
        _card.Set(800, 600, 32, 1024, 16, 600);
        string boot = _card.Mode;
        DisplayMode mode = Captured(0x1AF4, 0x1050, 0x030000);
        _card.Set(800, 600, 32, 800, 0, 0);
        mode.Restore();
        Assert.Equal(boot, _card.Mode);
    }

    [Fact]
    public void A_mode_that_is_off_is_not_brought_back()
    {
        DisplayMode mode = Captured(0x1234, 0x1111, 0x030000);
        Assert.False(mode.IsKnown);
        _card.Set(1024, 768, 32, 1024, 0, 0);
        string now = _card.Mode;
        mode.Restore();
        Assert.Equal(now, _card.Mode);
    }

    [Theory]
    [InlineData(0x8086, 0x1111, 0x030000)]
    [InlineData(0x1234, 0x1111, 0x038000)]
    [InlineData(0x1013, 0x00B8, 0x030000)]
    public void The_ports_of_other_displays_are_left_alone(int vendor, int device, uint pciClass)
    {
        DisplayMode mode = Captured(vendor, device, pciClass);
        mode.Restore();
        Assert.Equal(0, _card.Accesses);
    }

    [Fact]
    public void A_card_that_does_not_answer_with_the_interfaces_name_is_left_alone()
    {
        _card.Set(800, 600, 32, 800, 0, 0);
        _card.Id = 0xFFFF;
        DisplayMode mode = Captured(0x1234, 0x1111, 0x030000);
        int accesses = _card.Accesses;
        mode.Restore();
        Assert.Equal(accesses, _card.Accesses);
    }

    private DisplayMode Captured(int vendor, int device, uint pciClass)
    {
        var bus = new PciBusModel();
        _ = bus.Add(0, 1, 0, new PciFunctionModel((ushort)vendor, (ushort)device, pciClass));
        var table = new PciFunctionTable(4);
        Assert.Equal(Status.Ok, table.Scan(new PortPciHost(bus.Ports), sizeBars: false));
        var mode = new DisplayMode(_card);
        mode.Capture(table);
        return mode;
    }
}
