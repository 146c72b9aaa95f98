using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>The counting part of the local APIC timer (Intel SDM vol. 3A, 10.5.4).</summary>
internal sealed class ApicTimer
{
    private readonly VirtualClock _clock;
    private readonly TickScale _bus;
    private readonly TickScale _tsc;
    private bool _running;
    private uint _initial;
    private uint _divideConfiguration;
    private ulong _start;

    /// <summary>What the guest's TSC is at time 0 of the clock.</summary>
    public ulong TscBase;

    /// <summary>IA32_TSC_DEADLINE; 0 is disarmed.</summary>
    public ulong Deadline;

    public ApicTimer(VirtualClock clock, ulong busHertz, ulong tscHertz)
    {
        _clock = clock;
        _bus = TickScale.FromHertz(busHertz);
        _tsc = TickScale.FromHertz(tscHertz);
    }

    /// <summary>The initial count register. Writing it starts the countdown; 0 stops it.</summary>
    public uint Initial
    {
        get => _initial;
        set
        {
            _initial = value;
            _running = value != 0;
            _start = Tick;
        }
    }

    /// <summary>The divide configuration register; a countdown goes on from where it is.</summary>
    public uint DivideConfiguration
    {
        get => _divideConfiguration;
        set
        {
            ulong elapsed = (Tick - _start) / Divisor;
            _divideConfiguration = value & 0xB;
            _start = Tick - elapsed * Divisor;
        }
    }

    private ulong Tick => _bus.ToTicks(_clock.Now);

    /// <summary>Table 10-8: 000b is 2, 001b 4, ... 110b 128, 111b 1.</summary>
    private ulong Divisor
    {
        get
        {
            uint code = (_divideConfiguration & 3) | (_divideConfiguration >> 1 & 4);
            return code == 7 ? 1ul : 2ul << (int)code;
        }
    }

    /// <summary>The current count register.</summary>
    public uint Current(bool periodic)
    {
        if (!_running)
            return 0;
        ulong elapsed = (Tick - _start) / Divisor;
        if (periodic)
            return _initial - (uint)(elapsed % _initial);
        return elapsed >= _initial ? 0 : _initial - (uint)elapsed;
    }

    /// <summary>
    /// Goes on from a current count that was read elsewhere. A count of 0 is one that expires now: whether the interrupt has been raised there cannot be
    /// seen, and one too many does less harm than none.
    /// </summary>
    public void Restore(uint initialCount, uint current, uint divide)
    {
        _divideConfiguration = divide & 0xB;
        _initial = initialCount;
        _running = _initial != 0;
        ulong elapsed = current <= _initial ? _initial - current : 0;
        _start = Tick - elapsed * Divisor;
    }

    /// <summary>When the timer expires next, in ns; in the past if it has already.</summary>
    public ulong NextEvent(uint mode)
    {
        if (mode == ApicRegister.TimerDeadline)
        {
            if (Deadline == 0)
                return VirtualClock.Never;
            return Deadline <= TscBase ? 0 : _tsc.ToNanoseconds(Deadline - TscBase);
        }
        // The start may lie before time 0 (a countdown taken over from the real timer): only differences count.
        if (!_running)
            return VirtualClock.Never;
        ulong length = _initial * Divisor;
        ulong elapsed = Tick - _start;
        return elapsed >= length ? _clock.Now : _bus.ToNanoseconds(Tick + (length - elapsed));
    }

    /// <summary>Whether the timer has expired since this was asked last; periods that were missed count as one.</summary>
    public bool TakeExpiry(uint mode)
    {
        if (NextEvent(mode) > _clock.Now)
            return false;
        if (mode == ApicRegister.TimerDeadline)
        {
            Deadline = 0;
        }
        else if (mode == ApicRegister.TimerPeriodic)
        {
            ulong length = _initial * Divisor;
            _start += (Tick - _start) / length * length;
        }
        else
        {
            _running = false;
        }
        return true;
    }

    /// <summary>Stops everything.</summary>
    public void Reset()
    {
        _running = false;
        _initial = 0;
        _divideConfiguration = 0;
        _start = 0;
        Deadline = 0;
    }

    /// <summary>Stops counting, in whatever mode, as a change to or from TSC deadline mode does.</summary>
    public void Disarm()
    {
        _running = false;
        _initial = 0;
        Deadline = 0;
    }

    public void CopyFrom(ApicTimer other)
    {
        _running = other._running;
        _initial = other._initial;
        _divideConfiguration = other._divideConfiguration;
        _start = other._start;
        Deadline = other.Deadline;
        TscBase = other.TscBase;
    }
}
