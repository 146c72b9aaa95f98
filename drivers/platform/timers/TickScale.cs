using System;
using Hv.Kernel;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>
/// Converts between nanoseconds and the ticks of a clock, exactly: no drift, and no overflow before the tick count itself overflows
/// (which at 10 GHz takes 58 years).
/// </summary>
/// <remarks>
/// A clock makes <c>numerator</c> ticks in <c>denominator</c> nanoseconds. With x = q * denominator + r, floor(x * numerator / denominator) is
/// q * numerator + floor(r * numerator / denominator), and r * numerator is less than numerator * denominator, which fits in 64 bits.
/// </remarks>
public readonly struct TickScale
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const ulong FemtosecondsPerNanosecond = 1_000_000;

    private readonly ulong _numerator;
    private readonly ulong _denominator;

    private TickScale(ulong numerator, ulong denominator)
    {
        Invariant.Holds(numerator != 0 && denominator != 0, "clock rate of zero");
        ulong a = numerator, b = denominator;
        while (b != 0)
        {
            ulong rest = a % b;
            a = b;
            b = rest;
        }
        _numerator = numerator / a;
        _denominator = denominator / a;
        Invariant.Holds(Math.BigMul(_numerator, _denominator + 1, out _) == 0, "clock rate out of range");
    }

    /// <summary>A clock of <paramref name="hertz"/> ticks per second, 1 Hz to 18 GHz.</summary>
    public static TickScale FromHertz(ulong hertz) => new(hertz, NanosecondsPerSecond);

    /// <summary>A clock whose ticks are <paramref name="femtoseconds"/> apart, as the HPET states it.</summary>
    public static TickScale FromPeriod(ulong femtoseconds) => new(FemtosecondsPerNanosecond, femtoseconds);

    /// <summary>How many whole ticks fit in <paramref name="nanoseconds"/>.</summary>
    public ulong ToTicks(ulong nanoseconds)
    {
        ulong whole = nanoseconds / _denominator;
        return whole * _numerator + (nanoseconds - whole * _denominator) * _numerator / _denominator;
    }

    /// <summary>
    /// The first nanosecond at which <see cref="ToTicks"/> is at least <paramref name="ticks"/>, or <see cref="VirtualClock.Never"/> if
    /// that does not fit in 64 bits.
    /// </summary>
    public ulong ToNanoseconds(ulong ticks)
    {
        ulong whole = ticks / _numerator;
        ulong rest = ((ticks - whole * _numerator) * _denominator + _numerator - 1) / _numerator;
        if (Math.BigMul(whole, _denominator, out ulong nanoseconds) != 0 || nanoseconds + rest < nanoseconds)
            return VirtualClock.Never;
        return nanoseconds + rest;
    }
}
