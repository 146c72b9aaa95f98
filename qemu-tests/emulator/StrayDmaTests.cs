using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Devices that are at work when the machine is switched do not touch the new system's memory, and come back as a normal boot has them.</summary>
public abstract class StrayDmaTests(StrayDmaFixture machine, ITestOutputHelper output)
{
    private const int FewestTransfers = 64, FewestPackets = 300, PageWords = 512, FewestWrong = PageWords - 8;

    /// <summary>The machine, which has told its story.</summary>
    protected StrayDmaFixture Machine { get; } = machine;

    /// <summary>What a test says besides its outcome.</summary>
    protected ITestOutputHelper Output { get; } = output;

    [Fact]
    public void Transfers_under_way_at_the_switch_do_not_touch_the_new_systems_memory()
    {
        Output.WriteLine($"{Machine.Transfers}, {Machine.Held}, {Machine.HeldAtEnd}");
        Assert.InRange(Machine.Transfers.Finished, FewestTransfers, int.MaxValue);
        Assert.Equal(Machine.Transfers.Finished, Machine.Transfers.Arrived);
        Assert.InRange(Machine.Held.Looks, 2, int.MaxValue);
        Assert.Equal(0, Machine.Held.Wrong);
        Assert.Equal(0, Machine.HeldAtEnd.Wrong);
    }

    [Fact]
    public void A_device_that_does_write_to_the_new_systems_memory_is_noticed()
    {
        Output.WriteLine($"{Machine.HeldAtEnd}, {Machine.HeldAfterStray}");
        Assert.Equal(0, Machine.HeldAtEnd.Wrong);
        // The device transfers eight bytes less than a page; its buffer may happen to hold a word as it should be.
        Assert.InRange(Machine.HeldAfterStray.Wrong, FewestWrong, PageWords);
    }

    [Fact]
    public void Packets_that_come_after_the_devices_are_quiet_do_not_get_into_memory()
    {
        Output.WriteLine($"{Machine.Received}, {Machine.InMemoryBefore}, {Machine.Packets}");
        Assert.InRange(Machine.Received.Before, FewestPackets, long.MaxValue);
        Assert.InRange(Machine.Packets.Sent - Machine.Packets.WhenQuiet, FewestPackets, long.MaxValue);
        Assert.InRange(Machine.InMemoryBefore, FewestPackets, Machine.Packets.WhenQuiet);
        Assert.InRange(Machine.Packets.InMemory, 0, Machine.Packets.WhenQuiet);
        Assert.InRange(Machine.Received.After, 1, long.MaxValue);
    }

    [Fact]
    public void The_devices_come_back_where_a_normal_boot_has_them()
    {
        Output.WriteLine(Machine.KernelLog);
        Assert.Equal(Machine.PlacesBefore, Machine.PlacesFound);
        AssertSame(Machine.Before, Machine.Found);
    }

    /// <summary>The functions that a look has found are those of another one, with the same drivers and uses.</summary>
    protected static void AssertSame(IReadOnlyList<DeviceState> before, IReadOnlyList<DeviceState> found)
    {
        Assert.Equal(before.Count, found.Count);
        Assert.All(before, device =>
        {
            DeviceState same = Assert.Single(found, other => other.Address == device.Address);
            Assert.Equal((device.Id, device.Driver), (same.Id, same.Driver));
            Assert.Equal(device.Uses.Select(use => (use.Kind, use.Name, use.Facts)), same.Uses.Select(use => (use.Kind, use.Name, use.Facts)));
        });
    }
}
