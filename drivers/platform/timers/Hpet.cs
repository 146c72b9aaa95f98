using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>The high precision event timer (IA-PC HPET 1.0a): a 64-bit counter and up to three comparators.</summary>
/// <remarks>
/// Delivery is by I/O APIC pin or legacy route, not by message. In the legacy route, timer 0 takes the place of the 8254 on IRQ 0 and timer 1
/// that of the RTC on IRQ 8.
/// </remarks>
public sealed class Hpet : MmioDevice
{
    /// <summary>The most timers that this model has.</summary>
    public const int MaxTimers = 3;
    /// <summary>Bytes of registers.</summary>
    public const uint Size = 0x400;
    /// <summary>General capabilities when nothing was captured: three timers, 64 bits, legacy route, 69.841279 ns.</summary>
    public const ulong DefaultCapabilities = 69_841_279ul << 32 | 0x8086_A201;

    private const uint CapabilityOffset = 0x00, ConfigurationOffset = 0x10, StatusOffset = 0x20, CounterOffset = 0xF0;
    private const uint FirstTimerOffset = 0x100, TimerStride = 0x20, TimerComparator = 8;
    private const ulong ConfigurationEnable = 1, ConfigurationLegacy = 2;
    private const ulong CapabilityLegacy = 1ul << 15;
    private const ulong MaxPeriod = 100_000_000;
    private const int IsaRtc = 1;

    private readonly VirtualClock _clock;
    private readonly GsiLine _pitLine, _rtcLine;
    private readonly GsiLine[] _legacyLines = new GsiLine[2];
    private readonly GsiLine[] _pins;
    private readonly HpetComparator[] _timers = new HpetComparator[MaxTimers];
    private TickScale _scale;
    private ulong _capabilities;
    private ulong _configuration;
    private ulong _status;
    private ulong _counterBase;
    private ulong _enabledAt;

    /// <summary>
    /// Makes the timer in its power-on state, with <see cref="DefaultCapabilities"/>. <paramref name="pitLine"/> and
    /// <paramref name="rtcLine"/> are the wires that the legacy route cuts.
    /// </summary>
    public Hpet(VirtualClock clock, PlatformInterrupts hub, GsiLine pitLine, GsiLine rtcLine)
    {
        _clock = clock;
        _pitLine = pitLine;
        _rtcLine = rtcLine;
        _legacyLines[0] = hub.NewIsaLine(0);
        _legacyLines[1] = hub.NewIsaLine(8);
        _pins = new GsiLine[MaxTimers * IoApic.PinCount];
        for (int i = 0; i < _pins.Length; i++)
            _pins[i] = hub.NewGsiLine(i % IoApic.PinCount);
        for (int i = 0; i < MaxTimers; i++)
        {
            _timers[i] = new HpetComparator();
            _timers[i].Describe(HpetComparator.PeriodicCapable | HpetComparator.WideCapable | 0x00FF_FF04ul << 32);
        }
        SetCapabilities(DefaultCapabilities);
        Reset();
    }

    /// <summary>When a timer matches next, ns.</summary>
    public ulong NextEvent
    {
        get
        {
            ulong tick = VirtualClock.Never;
            for (int i = 0; i < TimerCount; i++)
            {
                // A timer without interrupts moves on by itself: only its status and comparator could be seen, and they are brought up to date then.
                if (NeedsEvent(i))
                    tick = System.Math.Min(tick, _timers[i].MatchTick);
            }
            return tick == VirtualClock.Never ? VirtualClock.Never : _scale.ToNanoseconds(tick);
        }
    }

    private bool Enabled => (_configuration & ConfigurationEnable) != 0;

    private bool LegacyRoute => (_configuration & ConfigurationLegacy) != 0;

    private int TimerCount => System.Math.Min((int)(_capabilities >> 8 & 0x1F) + 1, MaxTimers);

    private ulong Tick => _scale.ToTicks(_clock.Now);

    private ulong Counter => Enabled ? _counterBase + (Tick - _enabledAt) : _counterBase;

    /// <summary>Runs the timers up to the clock's time.</summary>
    public void Advance()
    {
        ulong now = Tick;
        for (int i = 0; i < TimerCount; i++)
        {
            HpetComparator timer = _timers[i];
            if (timer.MatchTick > now)
                continue;
            timer.Matched(now);
            Fire(i);
        }
    }

    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size)
    {
        if (offset >= Size)
            return 0;
        Advance();
        ulong value = ReadRegister((uint)offset & ~7u) >> (int)(8 * (offset & 7));
        return size switch
        {
            1 => (byte)value,
            2 => (ushort)value,
            4 => (uint)value,
            _ => value,
        };
    }

    /// <inheritdoc/>
    /// <remarks>Aligned accesses of 32 and 64 bits are defined; others are dropped.</remarks>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        if (offset >= Size || size < 4 || (offset & (ulong)(size - 1)) != 0)
            return;
        Advance();
        int shift = (int)(8 * (offset & 7));
        ulong mask = size == 8 ? ulong.MaxValue : (ulong)uint.MaxValue << shift;
        WriteRegister((uint)offset & ~7u, size == 8 ? value : (ulong)(uint)value << shift, mask);
    }

    /// <summary>Power-on state: stopped at 0. What it can do stays.</summary>
    public void Reset()
    {
        _configuration = 0;
        _status = 0;
        _counterBase = 0;
        _enabledAt = 0;
        for (int i = 0; i < MaxTimers; i++)
            _timers[i].Reset();
        UpdateLines();
    }

    /// <summary>Takes over the state of <paramref name="other"/>, whose clock must have the same zero.</summary>
    public void CopyFrom(Hpet other)
    {
        SetCapabilities(other._capabilities);
        _configuration = other._configuration;
        _status = other._status;
        _counterBase = other._counterBase;
        _enabledAt = other._enabledAt;
        for (int i = 0; i < MaxTimers; i++)
            _timers[i].CopyFrom(other._timers[i]);
        UpdateLines();
    }

    /// <summary>Reads the state of the real timer, period and capabilities included. Periods of periodic timers cannot be read: see the remarks.</summary>
    /// <remarks>
    /// The period register is write-only; it stays as it is known if the comparator was periodic before in this model, else it is the distance from
    /// the counter to the comparator, which is short by up to one period.
    /// </remarks>
    public void Capture(MmioDevice real)
    {
        SetCapabilities(ReadReal(real, CapabilityOffset));
        _configuration = ReadReal(real, ConfigurationOffset) & (ConfigurationEnable | ConfigurationLegacy);
        _status = ReadReal(real, StatusOffset) & 7;
        _counterBase = ReadReal(real, CounterOffset);
        _enabledAt = Tick;
        for (int i = 0; i < MaxTimers; i++)
        {
            HpetComparator timer = _timers[i];
            uint at = FirstTimerOffset + (uint)i * TimerStride;
            if (i < TimerCount)
                timer.Restore(ReadReal(real, at), ReadReal(real, at + TimerComparator), _counterBase);
            else
                timer.Reset();
        }
        Rearm();
        UpdateLines();
    }

    /// <summary>Writes this state into the real timer: stopped first, then comparators, counter, and started again last.</summary>
    public void Commit(MmioDevice real)
    {
        WriteReal(real, ConfigurationOffset, 0);
        for (int i = 0; i < TimerCount; i++)
        {
            HpetComparator timer = _timers[i];
            uint at = FirstTimerOffset + (uint)i * TimerStride;
            ulong quiet = timer.Configuration & ~HpetComparator.Enable;
            // The bit that lets a periodic comparator be set goes away with each write to either half.
            real.WriteMmio(at, 4, (uint)(quiet | HpetComparator.ValueSet));
            real.WriteMmio(at + TimerComparator, 4, (uint)timer.Comparator);
            real.WriteMmio(at, 4, (uint)(quiet | HpetComparator.ValueSet));
            real.WriteMmio(at + TimerComparator + 4, 4, timer.Comparator >> 32);
            real.WriteMmio(at, 4, (uint)quiet);
            if (timer.IsPeriodic)
                WriteReal(real, at + TimerComparator, timer.Period);
            real.WriteMmio(at, 4, (uint)timer.Configuration);
        }
        WriteReal(real, StatusOffset, 7);
        WriteReal(real, CounterOffset, Counter);
        WriteReal(real, ConfigurationOffset, _configuration);
    }

    // Not every chipset (and emulator) answers accesses of 64 bits; all answer two of 32.
    private static ulong ReadReal(MmioDevice real, uint offset)
    {
        uint high = (uint)real.ReadMmio(offset + 4, 4);
        uint low = (uint)real.ReadMmio(offset, 4);
        uint again = (uint)real.ReadMmio(offset + 4, 4);
        // The low half of a counter may have passed through 0 in between: then it is small now.
        if (high != again)
            low = (uint)real.ReadMmio(offset, 4);
        return low | (ulong)again << 32;
    }

    private static void WriteReal(MmioDevice real, uint offset, ulong value)
    {
        real.WriteMmio(offset, 4, (uint)value);
        real.WriteMmio(offset + 4, 4, value >> 32);
    }

    private void SetCapabilities(ulong value)
    {
        ulong period = value >> 32;
        if (period == 0 || period > MaxPeriod)
            value = DefaultCapabilities;
        _capabilities = value;
        _scale = TickScale.FromPeriod(_capabilities >> 32);
    }

    private bool NeedsEvent(int timer) => (_timers[timer].Configuration & HpetComparator.Enable) != 0 && (_status >> timer & 1) == 0;

    private void Fire(int index)
    {
        HpetComparator timer = _timers[index];
        if ((timer.Configuration & HpetComparator.Level) != 0)
        {
            _status |= 1ul << index;
            UpdateLines();
        }
        else if ((timer.Configuration & HpetComparator.Enable) != 0)
        {
            GsiLine line = LineOf(index);
            line.Set(true);
            line.Set(false);
        }
    }

    private GsiLine LineOf(int index) => LegacyRoute && index <= IsaRtc
        ? _legacyLines[index]
        : _pins[index * IoApic.PinCount + System.Math.Min(_timers[index].Route, IoApic.PinCount - 1)];

    /// <summary>Drives the lines of level-triggered timers, and connects those that the legacy route replaces.</summary>
    private void UpdateLines()
    {
        _pitLine.Connected = !LegacyRoute;
        _rtcLine.Connected = !LegacyRoute;
        for (int i = 0; i < MaxTimers; i++)
        {
            GsiLine line = LineOf(i);
            bool level = Enabled && (_status >> i & 1) != 0
                && (_timers[i].Configuration & (HpetComparator.Level | HpetComparator.Enable)) == (HpetComparator.Level | HpetComparator.Enable);
            if (i <= IsaRtc && _legacyLines[i] != line)
                _legacyLines[i].Set(false);
            for (int pin = 0; pin < IoApic.PinCount; pin++)
            {
                if (_pins[i * IoApic.PinCount + pin] != line)
                    _pins[i * IoApic.PinCount + pin].Set(false);
            }
            line.Set(level);
        }
    }

    private void Rearm()
    {
        ulong now = Tick;
        for (int i = 0; i < MaxTimers; i++)
        {
            if (Enabled)
                _timers[i].Arm(Counter, now);
            else
                _timers[i].MatchTick = VirtualClock.Never;
        }
    }

    private ulong ReadRegister(uint offset)
    {
        switch (offset)
        {
            case CapabilityOffset:
                return _capabilities;
            case ConfigurationOffset:
                return _configuration;
            case StatusOffset:
                return _status;
            case CounterOffset:
                return Counter;
        }
        if (!TryFindTimer(offset, out HpetComparator? timer))
            return 0;
        return (offset & (TimerStride - 1)) switch
        {
            0 => timer!.Configuration,
            TimerComparator => timer!.Comparator,
            _ => 0,
        };
    }

    private void WriteRegister(uint offset, ulong value, ulong mask)
    {
        switch (offset)
        {
            case ConfigurationOffset:
                WriteConfiguration((_configuration & ~mask) | (value & mask));
                return;
            case StatusOffset:
                _status &= ~(value & mask);
                UpdateLines();
                return;
            case CounterOffset:
                ulong counter = Counter;
                _counterBase = (counter & ~mask) | (value & mask);
                _enabledAt = Tick;
                Rearm();
                return;
        }
        if (!TryFindTimer(offset, out HpetComparator? timer))
            return;
        switch (offset & (TimerStride - 1))
        {
            case 0 when (mask & uint.MaxValue) == 0:
                // The upper half is read-only.
                return;
            case 0:
                timer!.WriteConfiguration((timer.Configuration & ~mask) | (value & mask));
                break;
            case TimerComparator:
                timer!.WriteComparator(value, mask);
                break;
            default:
                return;
        }
        if (Enabled)
            timer.Arm(Counter, Tick);
        UpdateLines();
    }

    private void WriteConfiguration(ulong value)
    {
        value &= ConfigurationEnable | ((_capabilities & CapabilityLegacy) != 0 ? ConfigurationLegacy : 0);
        _counterBase = Counter;
        _enabledAt = Tick;
        _configuration = value;
        Rearm();
        UpdateLines();
    }

    private bool TryFindTimer(uint offset, out HpetComparator? timer)
    {
        uint index = (offset - FirstTimerOffset) / TimerStride;
        timer = offset >= FirstTimerOffset && index < (uint)TimerCount ? _timers[(int)index] : null;
        return timer != null;
    }
}
