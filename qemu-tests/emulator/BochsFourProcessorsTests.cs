using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>VT-x, four processors.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsFourProcessorsTests(BochsFourProcessorsFixture machine, ITestOutputHelper output) : ProcessorsTests(machine, output), IClassFixture<BochsFourProcessorsFixture>
{
    [Fact]
    public void A_shadow_that_was_forked_under_load_takes_over_all_processors() => ForkABusySystemAndSwitch();
}
