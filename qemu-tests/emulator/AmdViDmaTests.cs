using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>With AMD-Vi. QEMU 7.2 does not say that it has recorded something: the tail of its event log stays 0.</summary>
[Collection(Collections.Qemu)]
public sealed class AmdViDmaTests(AmdViDmaFixture machine, ITestOutputHelper output) : IClassFixture<AmdViDmaFixture>
{
    [Fact]
    public void A_device_that_will_not_quiet_is_cut_off()
    {
        output.WriteLine($"{machine.OfRestless}\n{machine.Devices}");
        RemappingChecks.IsCutOff(machine, isRecorded: false);
    }

    [Fact]
    public void A_device_that_is_quiet_still_reaches_the_systems_memory()
    {
        output.WriteLine($"{machine.OfQuiet}");
        RemappingChecks.OthersAreNot(machine);
    }

    [Fact]
    public void No_device_reaches_Hvs_memory()
    {
        output.WriteLine(string.Join('\n', machine.ToHv));
        RemappingChecks.HvIsClosed(machine, "amdvi", isRecorded: false);
    }
}
