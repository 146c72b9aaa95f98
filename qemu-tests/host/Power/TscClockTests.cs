using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests.Power;

public sealed class TscClockTests
{
    [Theory]
    [InlineData(1000, 500, 1500, 1000)] // it has run on, or stood still
    [InlineData(1000, 500, 9000, 1000)]
    [InlineData(1000, 500, 1400, 900)] // it has begun anew
    [InlineData(1000, 500, 600, 100)]
    [InlineData(1000, 500, 20, -480)] // so early that time 0 lies before its own zero
    [InlineData(-480, 700, 100, -600)] // and once more
    [InlineData(-480, 700, 220, -480)]
    public void Time_goes_on_whether_the_counter_does_or_not(long start, ulong ticks, ulong now, long expected) =>
        Assert.Equal((ulong)expected, TscClock.StartAfter((ulong)start, ticks, now));
}
