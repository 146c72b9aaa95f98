using System.Globalization;
using System.Text.Json.Nodes;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>With a remapping unit that Hv uses: the first edu device goes on being a bus master at the switch, whatever Hv does to it.</summary>
public abstract class RemappedDmaTests(StrayDmaFixture machine, string kind, ITestOutputHelper output) : StrayDmaTests(machine, output)
{
    private const string First = "00:10.0", Second = "00:11.0";

    [Fact]
    public void A_device_that_will_not_quiet_is_cut_off()
    {
        Output.WriteLine(Machine.Devices);
        Output.WriteLine($"{Machine.Late}");
        JsonNode device = Assert.Single(Machine.Status["devices"]!.AsArray(), device => (string?)device!["address"] == First)!;
        Assert.False((bool)device["quiet"]!);
        Assert.True((bool)device["was_isolated"]!);
        Assert.True((bool)device["is_blocked"]!);
        Assert.Matches(First + " .*NOT quiet, isolated", Machine.Devices);
        Assert.False(Machine.Late.Arrived);
        CheckRefused(Machine.Late, First);
    }

    [Fact]
    public void A_device_that_is_quiet_still_reaches_the_systems_memory()
    {
        Output.WriteLine($"{Machine.LateOfSecond}");
        Assert.True(Machine.LateOfSecond.Arrived);
        Assert.Equal(Machine.ToHv[^1].Faults, Machine.LateOfSecond.Faults);
        Assert.All(Machine.Status["devices"]!.AsArray().Where(device => (string?)device!["address"] != First), device => Assert.False((bool)device!["is_blocked"]!));
    }

    [Fact]
    public void No_device_reaches_Hvs_memory()
    {
        Output.WriteLine(string.Join('\n', Machine.ToHv));
        Assert.InRange(Machine.ToHv.Count, 2, int.MaxValue);
        Assert.All(Machine.ToHv, write =>
        {
            Assert.False(write.Arrived);
            CheckRefused(write, Second);
        });
        Assert.Equal(kind, (string?)Machine.Status["dma_remapping"]!["state"]);
    }

    private static void CheckRefused(LateWrite write, string device)
    {
        Assert.InRange(write.Faults, 1, long.MaxValue);
        Assert.Equal(device, write.FaultDevice);
        Assert.Equal(write.Target, ulong.Parse(write.FaultAddress!, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }
}
