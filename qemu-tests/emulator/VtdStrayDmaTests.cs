using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>With VT-d.</summary>
[Collection(Collections.Qemu)]
public sealed class VtdStrayDmaTests(VtdDmaFixture machine, ITestOutputHelper output) : StrayDmaTests(machine, output), IClassFixture<VtdDmaFixture>
{
    [Fact]
    public void A_device_that_will_not_quiet_is_cut_off()
    {
        Output.WriteLine($"{Machine.OfRestless}\n{Machine.Devices}");
        RemappingChecks.IsCutOff(Machine, isRecorded: true);
    }

    [Fact]
    public void A_device_that_is_quiet_still_reaches_the_systems_memory()
    {
        Output.WriteLine($"{Machine.OfQuiet}");
        RemappingChecks.OthersAreNot(Machine);
    }

    [Fact]
    public void No_device_reaches_Hvs_memory()
    {
        Output.WriteLine(string.Join('\n', Machine.ToHv));
        RemappingChecks.HvIsClosed(Machine, "vtd", isRecorded: true);
    }
}
