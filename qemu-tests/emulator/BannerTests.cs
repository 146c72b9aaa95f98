using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>Hv without a system to start.</summary>
public abstract class BannerTests(BenchKind bench)
{
    private static readonly TimeSpan FirmwareTime = TimeSpan.FromMinutes(2);

    [Fact]
    public void The_image_starts_and_prints_its_build_id()
    {
        using Emulator emulator = Machine.Start(bench, "banner");
        emulator.Console.Expect(@"^Hv \S+", FirmwareTime);
    }
}
