using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class ShareAccountTests
{
    private const ulong Millisecond = 1_000_000;

    [Theory]
    [InlineData(0u), InlineData(10u), InlineData(25u), InlineData(50u), InlineData(90u)]
    public void A_busy_primary_leaves_the_shadow_its_share(uint percent)
    {
        var account = new ShareAccount(Millisecond);
        ulong primary = 0, shadow = 0, now = 1;
        for (int i = 0; i < 10_000; i++)
        {
            ulong left = account.Until(now, percent);
            if (left == 0)
            {
                ulong turn = account.Owed;
                now += turn;
                shadow += turn;
                account.Spend(turn, now, false);
                continue;
            }
            ulong run = System.Math.Min(left, Millisecond);
            now += run;
            primary += run;
            account.Earn(run, percent);
        }
        Assert.InRange(shadow * 100.0 / (primary + shadow), percent * 0.99, percent * 1.01);
    }

    [Fact]
    public void A_turn_that_is_cut_short_goes_on_after_a_moment()
    {
        var account = new ShareAccount(Millisecond);
        account.Earn(10 * Millisecond, 20);
        Assert.Equal(10 * Millisecond / 4, account.Owed);
        Assert.Equal(0ul, account.Until(100, 20));
        account.Spend(Millisecond / 2, 1000, isCut: true);
        Assert.Equal(Millisecond / 2, account.Until(1000, 20));
        Assert.Equal(0ul, account.Until(1000 + Millisecond / 2, 20));
        account.Spend(account.Owed, 2 * Millisecond, isCut: false);
        Assert.InRange(account.Until(2 * Millisecond, 20), 10 * Millisecond, 10 * Millisecond + 1);
    }

    [Fact]
    public void A_shadow_without_work_is_owed_nothing_until_the_primary_has_run_again()
    {
        var account = new ShareAccount(Millisecond);
        account.Earn(20 * Millisecond, 20);
        account.Spend(1, 1000, isCut: false);
        Assert.Equal(0ul, account.Until(1000, 20));
        account.Forgive();
        Assert.Equal(0ul, account.Owed);
        Assert.InRange(account.Until(1000, 20), 10 * Millisecond, 10 * Millisecond + 1);
    }

    [Fact]
    public void With_interrupts_all_the_time_the_shadow_still_gets_its_share()
    {
        var account = new ShareAccount(Millisecond);
        ulong primary = 0, shadow = 0, now = 1;
        const ulong between = Millisecond / 5;
        for (int i = 0; i < 100_000; i++)
        {
            ulong turn = account.Until(now, 20) == 0 ? System.Math.Min(account.Owed, between) : 0;
            now += turn;
            shadow += turn;
            if (turn != 0)
                account.Spend(turn, now, isCut: turn == between);
            now += between;
            primary += between;
            account.Earn(between, 20);
        }
        Assert.InRange(shadow * 100.0 / (primary + shadow), 18, 21);
    }

    [Fact]
    public void What_is_owed_does_not_grow_without_end()
    {
        var account = new ShareAccount(Millisecond);
        for (int i = 0; i < 100; i++)
            account.Earn(ulong.MaxValue, 50);
        Assert.Equal(20 * Millisecond, account.Owed);
        account.Spend(ulong.MaxValue, 5, false);
        Assert.Equal(0ul, account.Owed);
    }
}
