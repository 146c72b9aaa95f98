using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Without a remapping unit.</summary>
[Collection(Collections.Qemu)]
public sealed class PlainStrayDmaTests(PlainDmaFixture machine, ITestOutputHelper output) : StrayDmaTests(machine, output), IClassFixture<PlainDmaFixture>
{
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
}
