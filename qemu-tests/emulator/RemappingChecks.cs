using System.Globalization;
using System.Text.Json.Nodes;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>
/// What must hold on a machine with a remapping unit that Hv uses, where one edu device goes on being a bus master at the switch, whatever Hv does to it.
/// </summary>
internal static class RemappingChecks
{
    private const string Restless = "00:11.0", Quiet = "00:10.0";

    /// <summary>That device is cut off, and reported so; what it writes later, long after the switch, does not arrive. <paramref name="isRecorded"/>: the unit records that.</summary>
    public static void IsCutOff(StrayDmaFixture machine, bool isRecorded)
    {
        JsonNode device = Assert.Single(machine.Status["devices"]!.AsArray(), device => (string?)device!["address"] == Restless)!;
        Assert.False((bool)device["quiet"]!);
        Assert.True((bool)device["was_isolated"]!);
        Assert.True((bool)device["is_blocked"]!);
        Assert.Matches(Restless + " .*NOT quiet, isolated", machine.Devices);
        Assert.False(machine.OfRestless.Arrived);
        if (isRecorded)
            IsRefused(machine.OfRestless, Restless);
        Assert.Equal(0, machine.Held.Wrong);
        Assert.Equal(0, machine.HeldAtEnd.Wrong);
    }

    /// <summary>The other one, which is quiet, works.</summary>
    public static void OthersAreNot(StrayDmaFixture machine)
    {
        Assert.True(machine.OfQuiet.Arrived);
        Assert.Equal(machine.ToHv[^1].Faults, machine.OfQuiet.Faults);
        Assert.All(machine.Status["devices"]!.AsArray().Where(device => (string?)device!["address"] != Restless), device => Assert.False((bool)device!["is_blocked"]!));
    }

    /// <summary>What that one writes to Hv's region and to the pool does not arrive. <paramref name="isRecorded"/>: the unit records that.</summary>
    public static void HvIsClosed(StrayDmaFixture machine, string kind, bool isRecorded)
    {
        Assert.InRange(machine.ToHv.Count, 2, int.MaxValue);
        Assert.All(machine.ToHv, write => Assert.False(write.Arrived));
        if (isRecorded)
            Assert.All(machine.ToHv, write => IsRefused(write, Quiet));
        Assert.Equal(kind, (string?)machine.Status["dma_remapping"]!["state"]);
        // Nobody answers there.
        Assert.Equal("0xFFFFFFFFFFFFFFFF", machine.SeenRegister);
    }

    private static void IsRefused(LateWrite write, string device)
    {
        Assert.InRange(write.Faults, 1, long.MaxValue);
        Assert.Equal(device, write.FaultDevice);
        Assert.Equal(write.Target, ulong.Parse(write.FaultAddress!, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
