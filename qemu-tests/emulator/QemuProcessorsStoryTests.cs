using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>The story that ./run tells, on machines with several processors.</summary>
[Collection(Collections.QemuProcessors)]
public sealed class QemuProcessorsStoryTests(ITestOutputHelper output) : StoryTests(output)
{
    [LongTheory(LongTest.BusyProcessors)]
    [InlineData(2)]
    [InlineData(4)]
    public void A_reboot_is_hidden_on_several_processors_of_AMD(int processors) =>
        Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Small, Processors = processors, Efi = Paths.Efi });
}
