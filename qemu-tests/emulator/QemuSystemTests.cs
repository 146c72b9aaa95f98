using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>AMD-V.</summary>
[Collection(Collections.Qemu)]
public sealed class QemuSystemTests(QemuFixture machine, ITestOutputHelper output) : SystemTests(machine, output), IClassFixture<QemuFixture>
{
    [Fact]
    public void The_network_card_works() => AskOverTheNetwork();

    [Fact]
    public void A_shadow_that_is_aborted_while_it_boots_leaves_the_system_unharmed_and_the_pool_whole() => AbortABootingShadow();

    [Fact]
    public void A_shadow_that_is_aborted_while_it_shuts_down_leaves_the_system_unharmed_and_the_pool_whole() => AbortAShadowThatShutsDown();

    [Fact]
    public void A_shadow_that_is_forked_under_load_shuts_down_cleanly_and_boots() => _ = ForkUnderLoad();

    [Fact]
    public void A_shadow_that_never_becomes_ready_is_thrown_away_when_its_time_is_over() => WaitForAShadowThatNeverComes();
}
