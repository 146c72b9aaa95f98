using System;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Time;

/// <summary>Real time from the TSC, once its frequency is known.</summary>
public sealed class TscClock : TimeSource
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private ulong _start;
    private readonly ulong _frequency;
    private readonly ulong _multiplier;

    /// <summary>Starts at zero now. <paramref name="frequency"/> is in Hz.</summary>
    public TscClock(ulong frequency)
    {
        _frequency = frequency;
        _start = Stubs.ReadTsc();
        // Nanoseconds per tick, times 2^32.
        _multiplier = (NanosecondsPerSecond << 32) / frequency;
    }

    /// <summary>The TSC at time 0.</summary>
    public ulong Start => _start;

    /// <summary>TSC ticks per second.</summary>
    public ulong Frequency => _frequency;

    /// <summary>The TSC may have begun anew: time goes on from <paramref name="nanoseconds"/>, unless the TSC has run on meanwhile. True: it has begun anew.</summary>
    public bool ContinueFrom(ulong nanoseconds)
    {
        ulong start = StartAfter(_start, ToTicks(nanoseconds), Stubs.ReadTsc());
        bool isNew = start != _start;
        _start = start;
        return isNew;
    }

    /// <summary>
    /// The TSC at time 0 of a clock whose TSC is <paramref name="now"/>: <paramref name="start"/> as before if at least <paramref name="ticks"/> have passed since
    /// then, else so that just these have. It may lie before the TSC's own zero.
    /// </summary>
    public static ulong StartAfter(ulong start, ulong ticks, ulong now) => (long)(now - start) >= (long)ticks ? start : now - ticks;

    /// <inheritdoc/>
    public override ulong Nanoseconds => ToNanoseconds(Stubs.ReadTsc() - _start);

    /// <summary>The TSC value at a time that <see cref="Nanoseconds"/> gave.</summary>
    public ulong ToTsc(ulong nanoseconds) => _start + ToTicks(nanoseconds);

    /// <summary>Ticks in a span of nanoseconds, rounded up; about.</summary>
    public ulong ToTicks(ulong nanoseconds) =>
        nanoseconds / NanosecondsPerSecond * _frequency + nanoseconds % NanosecondsPerSecond * _frequency / NanosecondsPerSecond + 1;

    private ulong ToNanoseconds(ulong ticks)
    {
        ulong high = Math.BigMul(ticks, _multiplier, out ulong low);
        return high << 32 | low >> 32;
    }
}
