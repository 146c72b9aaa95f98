using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

[Collection(Collections.Bochs)]
public sealed class BochsStoryTests(ITestOutputHelper output) : StoryTests(output)
{
    [Fact]
    public void A_reboot_is_hidden_on_Intel() => Tell(new StoryOptions { Bench = BenchKind.BochsVmx, Guest = GuestKind.Small, Efi = Paths.Efi });
}
