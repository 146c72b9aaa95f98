using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>The counting part of the local APIC timer (Intel SDM vol. 3A, 10.5.4).</summary>
internal sealed class ApicTimer
{
    private readonly VirtualClock clock;
    private readonly TickScale bus;
    private readonly TickScale tsc;
    private bool running;
    private uint initial;
    private uint divideConfiguration;
    private ulong start;

    /// <summary>What the guest's TSC is at time 0 of the clock.</summary>
    public ulong TscBase;

    /// <summary>IA32_TSC_DEADLINE; 0 is disarmed.</summary>
    public ulong Deadline;

    public ApicTimer(VirtualClock clock, ulong busHertz, ulong tscHertz)
    {
        this.clock = clock;
        bus = TickScale.FromHertz(busHertz);
        tsc = TickScale.FromHertz(tscHertz);
    }

    /// <summary>The initial count register. Writing it starts the countdown; 0 stops it.</summary>
    public uint Initial
    {
        get => initial;
        set
        {
            initial = value;
            running = value != 0;
            start = Tick;
        }
    }

    /// <summary>The divide configuration register; a countdown goes on from where it is.</summary>
    public uint DivideConfiguration
    {
        get => divideConfiguration;
        set
        {
            ulong elapsed = (Tick - start) / Divisor;
            divideConfiguration = value & 0xB;
            start = Tick - elapsed * Divisor;
        }
    }

    private ulong Tick => bus.ToTicks(clock.Now);

    /// <summary>Table 10-8: 000b is 2, 001b 4, ... 110b 128, 111b 1.</summary>
    private ulong Divisor
    {
        get
        {
            uint code = (divideConfiguration & 3) | (divideConfiguration >> 1 & 4);
            return code == 7 ? 1ul : 2ul << (int)code;
        }
    }

    /// <summary>The current count register.</summary>
    public uint Current(bool periodic)
    {
        if (!running)
            return 0;
        ulong elapsed = (Tick - start) / Divisor;
        if (periodic)
            return initial - (uint)(elapsed % initial);
        return elapsed >= initial ? 0 : initial - (uint)elapsed;
    }

    /// <summary>Goes on from a current count that was read elsewhere; 0 means that the countdown is over.</summary>
    public void Restore(uint initialCount, uint current, uint divide)
    {
        divideConfiguration = divide & 0xB;
        initial = initialCount;
        running = initial != 0 && current != 0;
        ulong elapsed = current <= initial ? initial - current : 0;
        start = Tick - elapsed * Divisor;
    }

    /// <summary>When the timer expires next, in ns; in the past if it has already.</summary>
    public ulong NextEvent(uint mode)
    {
        if (mode == ApicRegister.TimerDeadline)
        {
            if (Deadline == 0)
                return VirtualClock.Never;
            return Deadline <= TscBase ? 0 : tsc.ToNanoseconds(Deadline - TscBase);
        }
        // The start may lie before time 0 (a countdown taken over from the real timer): only differences count.
        if (!running)
            return VirtualClock.Never;
        ulong length = initial * Divisor;
        ulong elapsed = Tick - start;
        return elapsed >= length ? clock.Now : bus.ToNanoseconds(Tick + (length - elapsed));
    }

    /// <summary>Whether the timer has expired since this was asked last; periods that were missed count as one.</summary>
    public bool TakeExpiry(uint mode)
    {
        if (NextEvent(mode) > clock.Now)
            return false;
        if (mode == ApicRegister.TimerDeadline)
        {
            Deadline = 0;
        }
        else if (mode == ApicRegister.TimerPeriodic)
        {
            ulong length = initial * Divisor;
            start += (Tick - start) / length * length;
        }
        else
        {
            running = false;
        }
        return true;
    }

    /// <summary>Stops everything.</summary>
    public void Reset()
    {
        running = false;
        initial = 0;
        divideConfiguration = 0;
        start = 0;
        Deadline = 0;
    }

    /// <summary>Stops counting, in whatever mode, as a change to or from TSC deadline mode does.</summary>
    public void Disarm()
    {
        running = false;
        initial = 0;
        Deadline = 0;
    }

    public void CopyFrom(ApicTimer other)
    {
        running = other.running;
        initial = other.initial;
        divideConfiguration = other.divideConfiguration;
        start = other.start;
        Deadline = other.Deadline;
        TscBase = other.TscBase;
    }
}
