using System;
using System.Numerics;
using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

public sealed class TickScaleTests
{
    private const ulong Year = 365ul * 86_400 * 1_000_000_000;

    [Theory]
    [InlineData(1_193_182ul)]
    [InlineData(3_579_545ul)]
    [InlineData(14_318_180ul)]
    [InlineData(32_768ul)]
    [InlineData(1_000_000_000ul)]
    [InlineData(3_187_201_317ul)]
    [InlineData(9_999_999_967ul)]
    public void Ticks_are_exact_for_years(ulong hertz)
    {
        var scale = TickScale.FromHertz(hertz);
        var random = new Random(7);
        for (int i = 0; i < 10_000; i++)
        {
            ulong ns = (ulong)random.NextInt64((long)(20 * Year));
            Assert.Equal((ulong)((BigInteger)ns * hertz / 1_000_000_000), scale.ToTicks(ns));
        }
    }

    [Theory]
    [InlineData(69_841_279ul)]
    [InlineData(10_000_000ul)]
    [InlineData(41_666_667ul)]
    [InlineData(100_000_000ul)]
    public void A_period_in_femtoseconds_is_exact_too(ulong femtoseconds)
    {
        var scale = TickScale.FromPeriod(femtoseconds);
        var random = new Random(8);
        for (int i = 0; i < 10_000; i++)
        {
            ulong ns = (ulong)random.NextInt64((long)(20 * Year));
            Assert.Equal((ulong)((BigInteger)ns * 1_000_000 / femtoseconds), scale.ToTicks(ns));
        }
    }

    [Theory]
    [InlineData(1_193_182ul)]
    [InlineData(3_187_201_317ul)]
    public void The_time_of_a_tick_is_the_first_nanosecond_that_has_it(ulong hertz)
    {
        var scale = TickScale.FromHertz(hertz);
        var random = new Random(9);
        for (int i = 0; i < 10_000; i++)
        {
            ulong tick = (ulong)random.NextInt64(1, (long)(hertz * 86_400 * 365));
            ulong ns = scale.ToNanoseconds(tick);
            Assert.True(scale.ToTicks(ns) >= tick);
            Assert.True(scale.ToTicks(ns - 1) < tick);
        }
    }

    [Fact]
    public void What_never_comes_is_never()
    {
        Assert.Equal(VirtualClock.Never, TickScale.FromHertz(1_193_182).ToNanoseconds(ulong.MaxValue));
        Assert.Equal(VirtualClock.Never, TickScale.FromHertz(1_000_000_000).ToNanoseconds(ulong.MaxValue));
    }

    [Fact]
    public void The_calendar_agrees_with_the_framework()
    {
        var random = new Random(10);
        for (int i = 0; i < 20_000; i++)
        {
            long seconds = random.NextInt64(-2_208_988_800, 7_258_118_400);
            DateTime expected = DateTime.UnixEpoch.AddSeconds(seconds);
            CalendarTime time = CalendarTime.FromSeconds(seconds);
            Assert.Equal((expected.Year, expected.Month, expected.Day), (time.Year, time.Month, time.Day));
            Assert.Equal((expected.Hour, expected.Minute, expected.Second), (time.Hour, time.Minute, time.Second));
            Assert.Equal((int)expected.DayOfWeek + 1, time.WeekDay);
            Assert.Equal(seconds, time.ToSeconds());
        }
    }
}
