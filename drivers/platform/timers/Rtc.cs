using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>The real-time clock and CMOS memory of a PC (MC146818A data sheet) at ports 70h/71h, with a second bank of 128 bytes at 72h/73h.</summary>
/// <remarks>
/// The time of day is a number of seconds at time 0 of the clock plus the clock's time; an update takes no time, at the turn of the second.
/// Setting the time sets the virtual clock only: <see cref="Commit"/> never changes the real time of day.
/// </remarks>
public sealed class Rtc : PortDevice
{
    /// <summary>Index port of the first bank; its bit 7 disables NMI.</summary>
    public const ushort IndexPort = 0x70;
    /// <summary>Data port of the first bank.</summary>
    public const ushort DataPort = 0x71;
    /// <summary>Index port of the second bank.</summary>
    public const ushort UpperIndexPort = 0x72;
    /// <summary>Data port of the second bank.</summary>
    public const ushort UpperDataPort = 0x73;

    private const int BankSize = 128;
    private const int Seconds = 0, SecondsAlarm = 1, Minutes = 2, MinutesAlarm = 3, Hours = 4, HoursAlarm = 5;
    private const int WeekDay = 6, DayOfMonth = 7, Month = 8, Year = 9, Century = 0x32;
    private const int RegisterA = 10, RegisterB = 11, RegisterC = 12, RegisterD = 13;
    private const byte UpdateInProgress = 0x80, DividerMask = 0x70, DividerReset = 0x60, RateMask = 0x0F;
    private const byte Set = 0x80, PeriodicEnable = 0x40, AlarmEnable = 0x20, UpdateEnable = 0x10, Binary = 0x04, Hours24 = 0x02;
    private const byte InterruptRequest = 0x80, PeriodicFlag = 0x40, AlarmFlag = 0x20, UpdateFlag = 0x10;
    private const byte ValidTime = 0x80;
    private const byte DefaultA = 0x26, DefaultB = Hours24;
    private const byte Afternoon = 0x80;
    private const byte AnyValue = 0xC0;
    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const ulong UpdateWarning = 244_000;
    private const int MaxPolls = 1_000_000;

    private readonly VirtualClock _clock;
    private readonly GsiLine _irq8;
    private readonly TickScale _oscillator = TickScale.FromHertz(32_768);
    private readonly byte[] _memory = new byte[2 * BankSize];
    private readonly bool[] _written = new bool[2 * BankSize];
    private byte _index, _upperIndex;
    private byte _flags;
    private long _base1970;
    private ulong _basePhase;
    private long _seenSecond;
    private ulong _seenTick;

    /// <summary>Makes the clock, at the beginning of 1970; it drives <paramref name="irq8"/>.</summary>
    public Rtc(VirtualClock clock, GsiLine irq8)
    {
        _clock = clock;
        _irq8 = irq8;
        _memory[RegisterA] = DefaultA;
        _memory[RegisterB] = DefaultB;
        Reset();
    }

    /// <summary>The seconds since the beginning of 1970, in whatever time zone the machine keeps its clock.</summary>
    public long TimeOfDay => IsFrozen ? FieldsToSeconds() : _base1970 + (long)((_clock.Now + _basePhase) / NanosecondsPerSecond);

    /// <summary>When an enabled interrupt is due next, ns.</summary>
    public ulong NextEvent
    {
        get
        {
            byte b = _memory[RegisterB];
            ulong next = VirtualClock.Never;
            if ((_flags & InterruptRequest) != 0)
                return next;
            if ((b & PeriodicEnable) != 0 && PeriodTicks != 0)
                next = _oscillator.ToNanoseconds((_seenTick / PeriodTicks + 1) * PeriodTicks);
            if (!IsFrozen && (b & UpdateEnable) != 0)
                next = System.Math.Min(next, TimeOfSecond(_seenSecond + 1));
            if (!IsFrozen && (b & AlarmEnable) != 0 && TryFindAlarm(_seenSecond + 1, out long alarm))
                next = System.Math.Min(next, TimeOfSecond(alarm));
            return next;
        }
    }

    private bool IsFrozen => (_memory[RegisterB] & Set) != 0 || (_memory[RegisterA] & DividerReset) == DividerReset;

    /// <summary>The periodic rate in ticks of 32768 Hz; 0 is none. Rates 1 and 2 are those of 8 and 9.</summary>
    private ulong PeriodTicks
    {
        get
        {
            int rate = _memory[RegisterA] & RateMask;
            if (rate == 0 || (_memory[RegisterA] & DividerReset) == DividerReset)
                return 0;
            return 1ul << (rate <= 2 ? rate + 6 : rate - 1);
        }
    }

    /// <summary>Sets the time of day.</summary>
    public void SetTimeOfDay(long seconds)
    {
        _base1970 = seconds - (long)(_clock.Now / NanosecondsPerSecond);
        _basePhase = 0;
        _seenSecond = TimeOfDay;
        if (IsFrozen)
            FillFields(seconds);
    }

    /// <summary>Brings flags and IRQ 8 up to the clock's time.</summary>
    public void Advance()
    {
        ulong tick = _oscillator.ToTicks(_clock.Now);
        ulong period = PeriodTicks;
        if (period != 0 && tick / period != _seenTick / period)
            _flags |= PeriodicFlag;
        _seenTick = tick;
        if (!IsFrozen)
        {
            long second = TimeOfDay;
            if (second > _seenSecond)
            {
                _flags |= UpdateFlag;
                if (TryFindAlarm(_seenSecond + 1, out long alarm) && alarm <= second)
                    _flags |= AlarmFlag;
            }
            _seenSecond = second;
        }
        UpdateLine();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        switch (port)
        {
            case DataPort:
                return ReadRegister(_index);
            case UpperIndexPort:
                return _upperIndex;
            case UpperDataPort:
                return _memory[BankSize + _upperIndex];
            default:
                return 0xFF;
        }
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        switch (port)
        {
            case IndexPort:
                _index = (byte)(value & (BankSize - 1));
                break;
            case DataPort:
                WriteRegister(_index, (byte)value);
                break;
            case UpperIndexPort:
                _upperIndex = (byte)(value & (BankSize - 1));
                break;
            case UpperDataPort:
                _memory[BankSize + _upperIndex] = (byte)value;
                _written[BankSize + _upperIndex] = true;
                break;
        }
    }

    /// <summary>What a platform reset does: interrupts off, flags clear. Time, alarm and memory go on, on their battery.</summary>
    public void Reset()
    {
        Advance();
        _memory[RegisterB] &= unchecked((byte)~(PeriodicEnable | AlarmEnable | UpdateEnable | 0x08));
        _flags = 0;
        _index = 0;
        _upperIndex = 0;
        UpdateLine();
    }

    /// <summary>Takes over the state of <paramref name="other"/>, whose clock must have the same zero. The time of day goes on meanwhile.</summary>
    public void CopyFrom(Rtc other)
    {
        for (int i = 0; i < _memory.Length; i++)
        {
            _memory[i] = other._memory[i];
            _written[i] = other._written[i];
        }
        _index = other._index;
        _upperIndex = other._upperIndex;
        _flags = other._flags;
        _base1970 = other._base1970;
        _basePhase = other._basePhase;
        _seenSecond = other._seenSecond;
        _seenTick = other._seenTick;
        UpdateLine();
    }

    /// <summary>
    /// Reads time of day, alarm, control registers and both banks of memory of the real one. Register C is not read, because that would take
    /// its flags away. The phase within the second is not known: up to a second is lost.
    /// </summary>
    public void Capture(PortDevice real)
    {
        for (int i = 0; i < MaxPolls && (ReadReal(real, RegisterA) & UpdateInProgress) != 0; i++)
        {
        }
        for (int i = 0; i < BankSize; i++)
        {
            _memory[i] = i == RegisterC ? (byte)0 : ReadReal(real, i);
            real.WritePort(UpperIndexPort, 1, (uint)i);
            _memory[BankSize + i] = (byte)real.ReadPort(UpperDataPort, 1);
            _written[i] = _written[BankSize + i] = false;
        }
        _memory[RegisterA] &= DividerMask | RateMask;
        _flags = 0;
        _index = 0;
        _upperIndex = 0;
        long now = FieldsToSeconds();
        _base1970 = now - (long)(_clock.Now / NanosecondsPerSecond);
        _basePhase = NanosecondsPerSecond - _clock.Now % NanosecondsPerSecond;
        _base1970--;
        _seenSecond = now;
        _seenTick = _oscillator.ToTicks(_clock.Now);
        UpdateLine();
    }

    /// <summary>
    /// Writes alarm, rate, interrupt enables and the bytes of memory that the guest has written into the real one, and takes away the real one's flags.
    /// Never the time of day, its format, or the bits that stop the clock.
    /// </summary>
    public void Commit(PortDevice real)
    {
        const byte format = Binary | Hours24;
        byte realB = ReadReal(real, RegisterB);
        WriteReal(real, RegisterB, (byte)(realB & format));
        bool sameFormat = ((realB ^ _memory[RegisterB]) & format) == 0;
        for (int i = 0; i < BankSize; i++)
        {
            bool alarm = sameFormat && i is SecondsAlarm or MinutesAlarm or HoursAlarm;
            bool ram = i > RegisterD && i != Century && _written[i];
            if (alarm || ram)
                WriteReal(real, i, _memory[i]);
            if (_written[BankSize + i])
            {
                real.WritePort(UpperIndexPort, 1, (uint)i);
                real.WritePort(UpperDataPort, 1, _memory[BankSize + i]);
            }
        }
        byte realA = ReadReal(real, RegisterA);
        WriteReal(real, RegisterA, (byte)((realA & DividerMask) | (_memory[RegisterA] & RateMask)));
        ReadReal(real, RegisterC);
        WriteReal(real, RegisterB, (byte)((realB & format) | (_memory[RegisterB] & ~(format | Set))));
        real.WritePort(UpperIndexPort, 1, _upperIndex);
        real.WritePort(IndexPort, 1, _index);
    }

    private static byte ReadReal(PortDevice real, int register)
    {
        real.WritePort(IndexPort, 1, (uint)register);
        return (byte)real.ReadPort(DataPort, 1);
    }

    private static void WriteReal(PortDevice real, int register, byte value)
    {
        real.WritePort(IndexPort, 1, (uint)register);
        real.WritePort(DataPort, 1, value);
    }

    private static bool IsTimeField(int register) => register is Seconds or Minutes or Hours or >= WeekDay and <= Year or Century;

    private byte ReadRegister(int register)
    {
        Advance();
        if (IsTimeField(register) && !IsFrozen)
            FillFields(TimeOfDay);
        switch (register)
        {
            case RegisterA:
                bool soon = !IsFrozen && (_clock.Now + _basePhase) % NanosecondsPerSecond >= NanosecondsPerSecond - UpdateWarning;
                return (byte)(_memory[RegisterA] | (soon ? UpdateInProgress : 0));
            case RegisterC:
                byte value = _flags;
                _flags = 0;
                UpdateLine();
                return value;
            case RegisterD:
                return ValidTime;
            default:
                return _memory[register];
        }
    }

    private void WriteRegister(int register, byte value)
    {
        Advance();
        bool frozen = IsFrozen;
        long before = TimeOfDay;
        switch (register)
        {
            case RegisterA:
                _memory[RegisterA] = (byte)(value & (DividerMask | RateMask));
                break;
            case RegisterB:
                _memory[RegisterB] = (value & Set) != 0 ? (byte)(value & ~UpdateEnable) : value;
                break;
            case RegisterC:
            case RegisterD:
                return;
            default:
                if (IsTimeField(register) && !frozen)
                    FillFields(before);
                _memory[register] = value;
                _written[register] = true;
                if (IsTimeField(register) && !frozen)
                    Thaw();
                break;
        }
        if (frozen && !IsFrozen)
        {
            // A divider that starts anew makes its first update after half a second; SET alone does not touch the divider.
            if (register == RegisterA)
                _basePhase = NanosecondsPerSecond + NanosecondsPerSecond / 2 - _clock.Now % NanosecondsPerSecond;
            Thaw();
        }
        else if (!frozen && IsFrozen)
        {
            FillFields(before);
        }
        UpdateLine();
    }

    /// <summary>The clock runs on from what the time registers hold.</summary>
    private void Thaw()
    {
        _base1970 = FieldsToSeconds() - (long)((_clock.Now + _basePhase) / NanosecondsPerSecond);
        _seenSecond = TimeOfDay;
    }

    private ulong TimeOfSecond(long second)
    {
        long sinceBase = second - _base1970;
        ulong at = sinceBase <= 0 ? 0 : (ulong)sinceBase * NanosecondsPerSecond;
        return at <= _basePhase ? 0 : at - _basePhase;
    }

    private void UpdateLine()
    {
        _flags = (byte)(_flags & ~InterruptRequest);
        if ((_flags & _memory[RegisterB] & (PeriodicFlag | AlarmFlag | UpdateFlag)) != 0)
            _flags |= InterruptRequest;
        _irq8.Set((_flags & InterruptRequest) != 0);
    }

    /// <summary>The first second from <paramref name="from"/> on that the alarm registers match; a register of C0h and above matches any value.</summary>
    private bool TryFindAlarm(long from, out long second)
    {
        int hour = _memory[HoursAlarm] >= AnyValue ? -1 : DecodeHour(_memory[HoursAlarm]);
        int minute = _memory[MinutesAlarm] >= AnyValue ? -1 : Decode(_memory[MinutesAlarm]);
        int sec = _memory[SecondsAlarm] >= AnyValue ? -1 : Decode(_memory[SecondsAlarm]);
        second = from;
        if (hour > 23 || minute > 59 || sec > 59)
            return false;
        // Each step goes to the next second, minute or hour that can match; at most two days of hours are passed.
        for (int i = 0; i < 60 + 60 + 48; i++)
        {
            long day = second % CalendarTime.SecondsPerDay;
            int h = (int)(day / 3600), m = (int)(day / 60 % 60), s = (int)(day % 60);
            if (hour >= 0 && h != hour)
                second += 3600 - day % 3600;
            else if (minute >= 0 && m != minute)
                second += 60 - s;
            else if (sec >= 0 && s != sec)
                second += 1;
            else
                return true;
        }
        return false;
    }

    private int Decode(byte value) => (_memory[RegisterB] & Binary) != 0 ? value : (value >> 4) * 10 + (value & 15);

    private byte Encode(int value) => (byte)((_memory[RegisterB] & Binary) != 0 ? value : value / 10 << 4 | value % 10);

    private int DecodeHour(byte value)
    {
        if ((_memory[RegisterB] & Hours24) != 0)
            return Decode(value);
        int hour = Decode((byte)(value & ~Afternoon)) % 12;
        return (value & Afternoon) != 0 ? hour + 12 : hour;
    }

    private byte EncodeHour(int hour)
    {
        if ((_memory[RegisterB] & Hours24) != 0)
            return Encode(hour);
        byte value = Encode(hour % 12 == 0 ? 12 : hour % 12);
        return hour >= 12 ? (byte)(value | Afternoon) : value;
    }

    private void FillFields(long seconds)
    {
        CalendarTime time = CalendarTime.FromSeconds(seconds);
        _memory[Seconds] = Encode(time.Second);
        _memory[Minutes] = Encode(time.Minute);
        _memory[Hours] = EncodeHour(time.Hour);
        _memory[WeekDay] = Encode(time.WeekDay);
        _memory[DayOfMonth] = Encode(time.Day);
        _memory[Month] = Encode(time.Month);
        _memory[Year] = Encode(time.Year % 100);
        _memory[Century] = Encode(time.Year / 100);
    }

    private long FieldsToSeconds()
    {
        CalendarTime time = default;
        time.Second = Decode(_memory[Seconds]);
        time.Minute = Decode(_memory[Minutes]);
        time.Hour = DecodeHour(_memory[Hours]);
        time.Day = Decode(_memory[DayOfMonth]);
        time.Month = Decode(_memory[Month]);
        int century = Decode(_memory[Century]);
        // A machine without a century register: 1970 to 2069.
        int year = Decode(_memory[Year]);
        time.Year = century is >= 19 and <= 99 ? century * 100 + year : year >= 70 ? 1900 + year : 2000 + year;
        return time.ToSeconds();
    }
}
