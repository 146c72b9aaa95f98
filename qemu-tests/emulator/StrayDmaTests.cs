using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Devices that are at work when the machine is switched do not touch the new system's memory, and come back as a normal boot has them.</summary>
[Collection(Collections.Qemu)]
public sealed class StrayDmaTests(StrayDmaFixture machine, ITestOutputHelper output) : IClassFixture<StrayDmaFixture>
{
    private const string Display = "1234:1111";
    private const int FewestTransfers = 64, FewestPackets = 300, PageWords = 512, FewestWrong = PageWords - 8;

    [Fact]
    public void Transfers_under_way_at_the_switch_do_not_touch_the_new_systems_memory()
    {
        output.WriteLine($"{machine.Transfers}, {machine.Held}, {machine.HeldAtEnd}");
        Assert.InRange(machine.Transfers.Finished, FewestTransfers, int.MaxValue);
        Assert.Equal(machine.Transfers.Finished, machine.Transfers.Arrived);
        Assert.InRange(machine.Held.Looks, 2, int.MaxValue);
        Assert.Equal(0, machine.Held.Wrong);
        Assert.Equal(0, machine.HeldAtEnd.Wrong);
    }

    [Fact]
    public void A_device_that_does_write_to_the_new_systems_memory_is_noticed()
    {
        output.WriteLine($"{machine.HeldAtEnd}, {machine.HeldAfterStray}");
        Assert.Equal(0, machine.HeldAtEnd.Wrong);
        // The device transfers eight bytes less than a page; its buffer may happen to hold a word as it should be.
        Assert.InRange(machine.HeldAfterStray.Wrong, FewestWrong, PageWords);
    }

    [Fact]
    public void Packets_that_come_after_the_devices_are_quiet_do_not_get_into_memory()
    {
        output.WriteLine($"{machine.Received}, {machine.InMemoryBefore}, {machine.Packets}");
        Assert.InRange(machine.Received.Before, FewestPackets, long.MaxValue);
        Assert.InRange(machine.Packets.Sent - machine.Packets.WhenQuiet, FewestPackets, long.MaxValue);
        Assert.InRange(machine.InMemoryBefore, FewestPackets, machine.Packets.WhenQuiet);
        Assert.InRange(machine.Packets.InMemory, 0, machine.Packets.WhenQuiet);
        Assert.InRange(machine.Received.After, 1, long.MaxValue);
    }

    [Fact]
    public void The_devices_come_back_where_a_normal_boot_has_them()
    {
        output.WriteLine(machine.KernelLog);
        Assert.Equal(machine.PlacesBefore, machine.PlacesFound);
        AssertSame(machine.Before, machine.Found);
    }

    // All but the display: whoever does not give up the firmware's frame buffer goes on with it.
    [Fact]
    public void The_devices_come_back_though_nobody_looks_for_them()
    {
        DeviceState[] expected = [.. machine.Before.Where(device => device.Id != Display)];
        string[] displays = [.. machine.Before.Except(expected).Select(device => device.Address)];
        Assert.Equal(machine.PlacesBefore.Split('\n').Where(line => !displays.Any(line.StartsWith)), machine.PlacesUnasked.Split('\n'));
        AssertSame(expected, machine.FoundUnasked);
    }

    private static void AssertSame(IReadOnlyList<DeviceState> before, IReadOnlyList<DeviceState> found)
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
