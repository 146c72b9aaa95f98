using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>One timer of the HPET: the registers and the arithmetic of when its comparator matches.</summary>
internal sealed class HpetComparator
{
    /// <summary>Configuration: level-triggered.</summary>
    public const ulong Level = 1ul << 1;
    /// <summary>Configuration: interrupts are on.</summary>
    public const ulong Enable = 1ul << 2;
    /// <summary>Configuration: periodic.</summary>
    public const ulong Periodic = 1ul << 3;
    /// <summary>Capability: can be periodic.</summary>
    public const ulong PeriodicCapable = 1ul << 4;
    /// <summary>Capability: 64 bits wide.</summary>
    public const ulong WideCapable = 1ul << 5;
    /// <summary>Configuration: the next write to the comparator sets it without changing the period.</summary>
    public const ulong ValueSet = 1ul << 6;
    /// <summary>Configuration: 32 bits only.</summary>
    public const ulong Narrow = 1ul << 8;
    /// <summary>Capability: can deliver by message.</summary>
    public const ulong MessageCapable = 1ul << 15;

    private const ulong RouteMask = 0x1Ful << 9;
    private const ulong Writable = Level | Enable | Periodic | Narrow | RouteMask;
    private const ulong Capabilities = PeriodicCapable | WideCapable | (ulong)uint.MaxValue << 32;

    /// <summary>Configuration and capabilities. Message delivery is not offered.</summary>
    public ulong Configuration;
    /// <summary>The comparator.</summary>
    public ulong Comparator;
    /// <summary>What is added to the comparator when it matches, in periodic mode.</summary>
    public ulong Period;
    /// <summary>The HPET clock tick (not the counter's value) at which the comparator matches; Never while the counter stands.</summary>
    public ulong MatchTick = VirtualClock.Never;
    private bool _valueSet;

    /// <summary>Whether <see cref="Periodic"/> is set.</summary>
    public bool IsPeriodic => (Configuration & Periodic) != 0;

    /// <summary>The global system interrupt, when the legacy replacement route is off.</summary>
    public int Route => (int)((Configuration & RouteMask) >> 9);

    private bool IsNarrow => (Configuration & (Narrow | WideCapable)) != WideCapable;

    /// <summary>Sets what the timer can do.</summary>
    public void Describe(ulong capabilities) => Configuration = (Configuration & ~Capabilities) | (capabilities & Capabilities);

    /// <summary>Writes the configuration register.</summary>
    public void WriteConfiguration(ulong value)
    {
        _valueSet = (value & ValueSet) != 0;
        ulong writable = Writable;
        if ((Configuration & PeriodicCapable) == 0)
            writable &= ~Periodic;
        if ((Configuration & WideCapable) == 0)
            writable &= ~Narrow;
        // A route that the timer does not offer is not taken.
        ulong route = (value & RouteMask) >> 9;
        if ((Configuration >> 32 >> (int)route & 1) == 0)
            writable &= ~RouteMask;
        Configuration = (Configuration & ~writable) | (value & writable);
        if (IsNarrow)
        {
            Comparator = (uint)Comparator;
            Period = (uint)Period;
        }
    }

    /// <summary>Writes the bits of the comparator register that <paramref name="mask"/> has.</summary>
    public void WriteComparator(ulong value, ulong mask)
    {
        if (IsNarrow)
            mask &= uint.MaxValue;
        if (!IsPeriodic || _valueSet)
            Comparator = (Comparator & ~mask) | (value & mask);
        if (IsPeriodic)
            Period = (Period & ~mask) | (value & mask);
        _valueSet = false;
    }

    /// <summary>
    /// Takes what a real timer's registers hold while its counter is <paramref name="counter"/>. The period cannot be read: it stays as it is
    /// known if the timer was periodic here too, else it is what is left until the next match.
    /// </summary>
    public void Restore(ulong configuration, ulong comparator, ulong counter)
    {
        ulong period = IsPeriodic ? Period : 0;
        Reset();
        Describe(configuration);
        // While it is not periodic, the comparator takes what is written.
        WriteConfiguration(configuration & ~(Periodic | ValueSet));
        WriteComparator(comparator, ulong.MaxValue);
        WriteConfiguration(configuration & ~ValueSet);
        if (!IsPeriodic)
            return;
        ulong left = IsNarrow ? (uint)(Comparator - counter) : Comparator - counter;
        Period = period != 0 ? period : left;
    }

    /// <summary>Finds when the counter, which is <paramref name="counter"/> at clock tick <paramref name="now"/>, will next become equal to the comparator.</summary>
    public void Arm(ulong counter, ulong now)
    {
        ulong distance = Comparator - counter;
        if (IsNarrow)
        {
            distance = (uint)distance;
            if (distance == 0)
                distance = 1ul << 32;
        }
        // A whole turn of 64 bits, and anything past the end of time, never comes.
        MatchTick = distance == 0 || now + distance < now ? VirtualClock.Never : now + distance;
    }

    /// <summary>The comparator has matched by tick <paramref name="now"/>: moves on to the next match. Missed periods count as one.</summary>
    public void Matched(ulong now)
    {
        if (IsPeriodic && Period != 0)
        {
            ulong periods = (now - MatchTick) / Period + 1;
            Comparator += periods * Period;
            MatchTick += periods * Period;
            if (IsNarrow)
                Comparator = (uint)Comparator;
        }
        else if (IsNarrow)
        {
            ulong turns = ((now - MatchTick) >> 32) + 1;
            MatchTick += turns << 32;
        }
        else
        {
            MatchTick = VirtualClock.Never;
        }
    }

    /// <summary>Power-on: comparator all ones, off. The capabilities stay.</summary>
    public void Reset()
    {
        Configuration &= Capabilities;
        Comparator = IsNarrow ? uint.MaxValue : ulong.MaxValue;
        Period = 0;
        MatchTick = VirtualClock.Never;
        _valueSet = false;
    }

    public void CopyFrom(HpetComparator other)
    {
        Configuration = other.Configuration;
        Comparator = other.Comparator;
        Period = other.Period;
        MatchTick = other.MatchTick;
        _valueSet = other._valueSet;
    }
}
