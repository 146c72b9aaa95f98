using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

public sealed class ImageTests
{
    private const long LargestImage = 512 * 1024;

    [Fact]
    public void The_image_is_smaller_than_512_KiB() => Assert.InRange(new FileInfo(Paths.Efi).Length, 1, LargestImage - 1);
}
