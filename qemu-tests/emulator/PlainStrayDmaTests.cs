using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Without a remapping unit.</summary>
[Collection(Collections.Qemu)]
public sealed class PlainStrayDmaTests(PlainDmaFixture machine, ITestOutputHelper output) : StrayDmaTests(machine, output), IClassFixture<PlainDmaFixture>
{
    private const string Display = "1234:1111";

    // That nothing arrives with a unit means something only if it would arrive without one.
    [Fact]
    public void A_device_that_is_told_to_write_later_does()
    {
        Assert.True(Machine.OfRestless.Arrived);
        Assert.True(Machine.OfQuiet.Arrived);
        Assert.Equal(0, Machine.OfRestless.Faults);
        Assert.Equal("none", (string?)Machine.Status["dma_remapping"]!["state"]);
        Assert.Contains("DMA remapping: none", Machine.Devices, StringComparison.Ordinal);
    }

    // All but the display: whoever does not give up the firmware's frame buffer goes on with it.
    [Fact]
    public void The_devices_come_back_though_nobody_looks_for_them()
    {
        DeviceState[] expected = [.. Machine.Before.Where(device => device.Id != Display)];
        string[] displays = [.. Machine.Before.Except(expected).Select(device => device.Address)];
        Assert.Equal(Machine.PlacesBefore.Split('\n').Where(line => !displays.Any(line.StartsWith)), Machine.PlacesUnasked.Split('\n'));
        AssertSame(expected, Machine.FoundUnasked);
    }
}
