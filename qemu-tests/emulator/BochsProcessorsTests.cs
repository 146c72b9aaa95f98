using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>VT-x, two processors.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsProcessorsTests(BochsTwoProcessorsFixture machine, ITestOutputHelper output) : ProcessorsTests(machine, output), IClassFixture<BochsTwoProcessorsFixture>
{
    [Fact]
    public void A_processor_goes_offline_and_comes_back() => ProcessorsGoOfflineAndComeBack();

    [Fact]
    public void The_memory_of_a_fork_is_its_own_at_once() => KeepMemoryOfAForkApart();

    [Fact]
    public void A_shadow_that_comes_up_under_load_is_aborted_and_leaves_the_system_unharmed() => StartAShadowUnderLoadAndAbortIt();

    // By its name the last test.
    [Fact]
    public void A_shadow_that_was_forked_under_load_takes_over_all_processors() => ForkABusySystemAndSwitch();
}
