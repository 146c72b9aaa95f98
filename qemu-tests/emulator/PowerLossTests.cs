using System.Globalization;
using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>The power fails during a reboot in the background: the disk is the old system's or the new one's. HV_POWER_LOSS_POINTS says how often.</summary>
[Collection(Collections.Qemu)]
public sealed class PowerLossTests(ITestOutputHelper output)
{
    private const int UsualPoints = 15, Restarts = 2;

    [Fact]
    public void After_a_power_loss_the_disk_is_the_old_or_the_new_system()
    {
        int points = int.TryParse(Environment.GetEnvironmentVariable("HV_POWER_LOSS_POINTS"), CultureInfo.InvariantCulture, out int asked) ? asked : UsualPoints;
        IReadOnlyList<PowerLossPoint> result = new PowerLossRun(BenchKind.QemuSvm, Paths.Efi, points, new StepDisplay()).Run(Restarts);
        output.WriteLine(PowerLossRun.ToJson(result).ToString());
        Assert.InRange(result.Count, points / 2, int.MaxValue);
        Assert.Contains(result, point => point.Committed);
        Assert.Contains(result, point => !point.Switching);
        Assert.All(result, point => Assert.True(point.Problem is null, $"{point.Step}: {point.Problem} ({point.Image})"));
    }
}
