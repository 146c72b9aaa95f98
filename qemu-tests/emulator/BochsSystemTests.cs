using System.Text.Json.Nodes;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>VT-x.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsSystemTests(BochsFixture machine, ITestOutputHelper output) : SystemTests(machine, output), IClassFixture<BochsFixture>
{
    private const double LongestPausePerGiB = 10_000;
    private const long PagesPerGiB = 1 << 18;

    [Fact]
    public void The_network_card_works() => AskOverTheNetwork();

    [Fact]
    public void A_shadow_that_is_aborted_while_it_boots_leaves_the_system_unharmed_and_the_pool_whole() => AbortABootingShadow();

    [Fact]
    public void A_shadow_that_is_aborted_while_it_shuts_down_leaves_the_system_unharmed_and_the_pool_whole() => AbortAShadowThatShutsDown();

    [Fact]
    public void A_shadow_that_is_forked_under_load_shuts_down_cleanly_and_boots()
    {
        JsonNode fork = ForkUnderLoad();
        // Bochs' clock counts instructions, so this is the same on every machine.
        Assert.InRange((double)fork["pause_microseconds"]!, 0, LongestPausePerGiB * (long)fork["pages_shared"]! / PagesPerGiB);
    }

    [Fact]
    public void A_shadow_is_not_needed_for_a_reboot_that_Hv_answers_itself() => RestartUnderHv();

    [Fact]
    public void A_shadow_that_never_becomes_ready_is_thrown_away_when_its_time_is_over() => WaitForAShadowThatNeverComes();
}
