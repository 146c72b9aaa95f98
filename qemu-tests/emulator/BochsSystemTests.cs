using Xunit;

namespace Hv.EmulatorTests;

/// <summary>VT-x.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsSystemTests(BochsFixture machine) : SystemTests(machine), IClassFixture<BochsFixture>
{
    [Fact]
    public void The_network_card_works() => AskOverTheNetwork();

    [Fact]
    public void A_shadow_that_is_aborted_while_it_boots_leaves_the_system_unharmed_and_the_pool_whole() => AbortABootingShadow();

    [Fact]
    public void A_shadow_that_never_becomes_ready_is_thrown_away_when_its_time_is_over() => WaitForAShadowThatNeverComes();
}
