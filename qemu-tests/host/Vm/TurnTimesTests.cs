using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class TurnTimesTests
{
    private readonly TurnTimes _times = new();

    public TurnTimesTests() => _times.Begin(1000);

    [Fact]
    public void Every_tick_is_counted_once()
    {
        _times.EndPrimary(1100);
        _times.BeginShadow(1110, isIdle: true);
        _times.EndShadow(1310, isIdle: true);
        _times.EndPrimary(1350);
        _times.BeginShadow(1353, isIdle: false);
        _times.EndShadow(1403, isIdle: false);
        _times.EndWait(1500, ulong.MaxValue);
        Assert.Equal((140ul, 200ul, 53ul, 97ul, 10ul), (_times.Primary, _times.ShadowInIdle, _times.ShadowByShare, _times.Waited, _times.Lost));
    }

    [Fact]
    public void A_wait_that_lasts_too_long_is_lost_from_when_the_shadow_was_due()
    {
        _times.EndWait(1500, 1400);
        Assert.Equal((400ul, 100ul), (_times.Waited, _times.Lost));
    }

    [Fact]
    public void A_wait_is_lost_from_when_another_processor_wanted_the_shadow()
    {
        _times.Want(1200);
        _times.EndWait(1500, 1400);
        Assert.Equal((200ul, 300ul), (_times.Waited, _times.Lost));
        // That was for the wait that is over.
        _times.EndWait(1600, 1700);
        Assert.Equal((300ul, 300ul), (_times.Waited, _times.Lost));
    }

    [Fact]
    public void What_was_due_before_the_wait_began_is_all_lost()
    {
        _times.EndWait(1500, 900);
        Assert.Equal((0ul, 500ul), (_times.Waited, _times.Lost));
    }

    [Fact]
    public void A_counter_that_lags_behind_another_processors_adds_nothing()
    {
        _times.EndPrimary(990);
        _times.EndPrimary(1040);
        Assert.Equal(50ul, _times.Primary);
    }

    [Fact]
    public void The_next_shadow_begins_at_nothing()
    {
        _times.EndPrimary(2000);
        _times.Begin(5000);
        _times.BeginShadow(5001, isIdle: true);
        Assert.Equal((0ul, 1ul), (_times.Primary, _times.Lost));
    }
}
