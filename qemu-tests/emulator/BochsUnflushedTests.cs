using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Bochs drops all translations at each VM entry and exit, but none of a processor that stays in its guest: what is left out there is noticed.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsUnflushedTests(BochsUnflushedFixture machine, ITestOutputHelper output) : IClassFixture<BochsUnflushedFixture>
{
    [Fact]
    public void Without_the_invalidation_on_other_processors_a_fork_sees_the_systems_memory()
    {
        string log = MemoryApart.Fork(machine);
        output.WriteLine(string.Join('\n', log.Split('\n').Where(line => line.Contains("apart:", StringComparison.Ordinal))));
        Assert.Contains(MemoryApart.Wrong, log, StringComparison.Ordinal);
    }
}
