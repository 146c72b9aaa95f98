using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

public sealed class ImageTests
{
    private const long LargestImage = 512 * 1024;
    private static readonly TimeSpan FirmwareTime = TimeSpan.FromMinutes(2);

    [Theory]
    [InlineData(BenchKind.QemuSvm)]
    [InlineData(BenchKind.BochsVmx)]
    public void The_image_starts_and_prints_its_build_id(BenchKind bench)
    {
        using Emulator emulator = Machine.Start(bench, "banner");
        emulator.Console.Expect(@"^Hv \S+", FirmwareTime);
    }

    [Fact]
    public void The_image_is_smaller_than_512_KiB() => Assert.InRange(new FileInfo(Paths.Efi).Length, 1, LargestImage - 1);
}
