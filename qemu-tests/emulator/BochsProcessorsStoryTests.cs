using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>The story that ./run tells, on machines with several processors.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsProcessorsStoryTests(ITestOutputHelper output) : StoryTests(output)
{
    [LongTheory("it takes an hour")]
    [InlineData(2)]
    [InlineData(4)]
    public void A_reboot_is_hidden_on_several_processors_of_Intel(int processors) =>
        Tell(new StoryOptions { Bench = BenchKind.BochsVmx, Guest = GuestKind.Small, Processors = processors, Efi = Paths.Efi });
}
