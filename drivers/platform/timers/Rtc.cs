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

    private readonly VirtualClock clock;
    private readonly GsiLine irq8;
    private readonly TickScale oscillator = TickScale.FromHertz(32_768);
    private readonly byte[] memory = new byte[2 * BankSize];
    private readonly bool[] written = new bool[2 * BankSize];
    private byte index, upperIndex;
    private byte flags;
    private long base1970;
    private ulong basePhase;
    private long seenSecond;
    private ulong seenTick;

    /// <summary>Makes the clock, at the beginning of 1970; it drives <paramref name="irq8"/>.</summary>
    public Rtc(VirtualClock clock, GsiLine irq8)
    {
        this.clock = clock;
        this.irq8 = irq8;
        memory[RegisterA] = DefaultA;
        memory[RegisterB] = DefaultB;
        Reset();
    }

    /// <summary>The seconds since the beginning of 1970, in whatever time zone the machine keeps its clock.</summary>
    public long TimeOfDay => IsFrozen ? FieldsToSeconds() : base1970 + (long)((clock.Now + basePhase) / NanosecondsPerSecond);

    /// <summary>When an enabled interrupt is due next, ns.</summary>
    public ulong NextEvent
    {
        get
        {
            byte b = memory[RegisterB];
            ulong next = VirtualClock.Never;
            if ((flags & InterruptRequest) != 0)
                return next;
            if ((b & PeriodicEnable) != 0 && PeriodTicks != 0)
                next = oscillator.ToNanoseconds((seenTick / PeriodTicks + 1) * PeriodTicks);
            if (!IsFrozen && (b & UpdateEnable) != 0)
                next = System.Math.Min(next, TimeOfSecond(seenSecond + 1));
            if (!IsFrozen && (b & AlarmEnable) != 0 && TryFindAlarm(seenSecond + 1, out long alarm))
                next = System.Math.Min(next, TimeOfSecond(alarm));
            return next;
        }
    }

    private bool IsFrozen => (memory[RegisterB] & Set) != 0 || (memory[RegisterA] & DividerReset) == DividerReset;

    /// <summary>The periodic rate in ticks of 32768 Hz; 0 is none. Rates 1 and 2 are those of 8 and 9.</summary>
    private ulong PeriodTicks
    {
        get
        {
            int rate = memory[RegisterA] & RateMask;
            if (rate == 0 || (memory[RegisterA] & DividerReset) == DividerReset)
                return 0;
            return 1ul << (rate <= 2 ? rate + 6 : rate - 1);
        }
    }

    /// <summary>Sets the time of day.</summary>
    public void SetTimeOfDay(long seconds)
    {
        base1970 = seconds - (long)(clock.Now / NanosecondsPerSecond);
        basePhase = 0;
        seenSecond = TimeOfDay;
        if (IsFrozen)
            FillFields(seconds);
    }

    /// <summary>Brings flags and IRQ 8 up to the clock's time.</summary>
    public void Advance()
    {
        ulong tick = oscillator.ToTicks(clock.Now);
        ulong period = PeriodTicks;
        if (period != 0 && tick / period != seenTick / period)
            flags |= PeriodicFlag;
        seenTick = tick;
        if (!IsFrozen)
        {
            long second = TimeOfDay;
            if (second > seenSecond)
            {
                flags |= UpdateFlag;
                if (TryFindAlarm(seenSecond + 1, out long alarm) && alarm <= second)
                    flags |= AlarmFlag;
            }
            seenSecond = second;
        }
        UpdateLine();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        switch (port)
        {
            case DataPort:
                return ReadRegister(index);
            case UpperIndexPort:
                return upperIndex;
            case UpperDataPort:
                return memory[BankSize + upperIndex];
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
                index = (byte)(value & (BankSize - 1));
                break;
            case DataPort:
                WriteRegister(index, (byte)value);
                break;
            case UpperIndexPort:
                upperIndex = (byte)(value & (BankSize - 1));
                break;
            case UpperDataPort:
                memory[BankSize + upperIndex] = (byte)value;
                written[BankSize + upperIndex] = true;
                break;
        }
    }

    /// <summary>What a platform reset does: interrupts off, flags clear. Time, alarm and memory go on, on their battery.</summary>
    public void Reset()
    {
        Advance();
        memory[RegisterB] &= unchecked((byte)~(PeriodicEnable | AlarmEnable | UpdateEnable | 0x08));
        flags = 0;
        index = 0;
        upperIndex = 0;
        UpdateLine();
    }

    /// <summary>Takes over the state of <paramref name="other"/>, whose clock must have the same zero. The time of day goes on meanwhile.</summary>
    public void CopyFrom(Rtc other)
    {
        for (int i = 0; i < memory.Length; i++)
        {
            memory[i] = other.memory[i];
            written[i] = other.written[i];
        }
        index = other.index;
        upperIndex = other.upperIndex;
        flags = other.flags;
        base1970 = other.base1970;
        basePhase = other.basePhase;
        seenSecond = other.seenSecond;
        seenTick = other.seenTick;
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
            memory[i] = i == RegisterC ? (byte)0 : ReadReal(real, i);
            real.WritePort(UpperIndexPort, 1, (uint)i);
            memory[BankSize + i] = (byte)real.ReadPort(UpperDataPort, 1);
            written[i] = written[BankSize + i] = false;
        }
        memory[RegisterA] &= DividerMask | RateMask;
        flags = 0;
        index = 0;
        upperIndex = 0;
        long now = FieldsToSeconds();
        base1970 = now - (long)(clock.Now / NanosecondsPerSecond);
        basePhase = NanosecondsPerSecond - clock.Now % NanosecondsPerSecond;
        base1970--;
        seenSecond = now;
        seenTick = oscillator.ToTicks(clock.Now);
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
        bool sameFormat = ((realB ^ memory[RegisterB]) & format) == 0;
        for (int i = 0; i < BankSize; i++)
        {
            bool alarm = sameFormat && i is SecondsAlarm or MinutesAlarm or HoursAlarm;
            bool ram = i > RegisterD && i != Century && written[i];
            if (alarm || ram)
                WriteReal(real, i, memory[i]);
            if (written[BankSize + i])
            {
                real.WritePort(UpperIndexPort, 1, (uint)i);
                real.WritePort(UpperDataPort, 1, memory[BankSize + i]);
            }
        }
        byte realA = ReadReal(real, RegisterA);
        WriteReal(real, RegisterA, (byte)((realA & DividerMask) | (memory[RegisterA] & RateMask)));
        ReadReal(real, RegisterC);
        WriteReal(real, RegisterB, (byte)((realB & format) | (memory[RegisterB] & ~(format | Set))));
        real.WritePort(UpperIndexPort, 1, upperIndex);
        real.WritePort(IndexPort, 1, index);
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
                bool soon = !IsFrozen && (clock.Now + basePhase) % NanosecondsPerSecond >= NanosecondsPerSecond - UpdateWarning;
                return (byte)(memory[RegisterA] | (soon ? UpdateInProgress : 0));
            case RegisterC:
                byte value = flags;
                flags = 0;
                UpdateLine();
                return value;
            case RegisterD:
                return ValidTime;
            default:
                return memory[register];
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
                memory[RegisterA] = (byte)(value & (DividerMask | RateMask));
                break;
            case RegisterB:
                memory[RegisterB] = (value & Set) != 0 ? (byte)(value & ~UpdateEnable) : value;
                break;
            case RegisterC:
            case RegisterD:
                return;
            default:
                if (IsTimeField(register) && !frozen)
                    FillFields(before);
                memory[register] = value;
                written[register] = true;
                if (IsTimeField(register) && !frozen)
                    Thaw();
                break;
        }
        if (frozen && !IsFrozen)
        {
            // A divider that starts anew makes its first update after half a second; SET alone does not touch the divider.
            if (register == RegisterA)
                basePhase = NanosecondsPerSecond + NanosecondsPerSecond / 2 - clock.Now % NanosecondsPerSecond;
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
        base1970 = FieldsToSeconds() - (long)((clock.Now + basePhase) / NanosecondsPerSecond);
        seenSecond = TimeOfDay;
    }

    private ulong TimeOfSecond(long second)
    {
        long sinceBase = second - base1970;
        ulong at = sinceBase <= 0 ? 0 : (ulong)sinceBase * NanosecondsPerSecond;
        return at <= basePhase ? 0 : at - basePhase;
    }

    private void UpdateLine()
    {
        flags = (byte)(flags & ~InterruptRequest);
        if ((flags & memory[RegisterB] & (PeriodicFlag | AlarmFlag | UpdateFlag)) != 0)
            flags |= InterruptRequest;
        irq8.Set((flags & InterruptRequest) != 0);
    }

    /// <summary>The first second from <paramref name="from"/> on that the alarm registers match; a register of C0h and above matches any value.</summary>
    private bool TryFindAlarm(long from, out long second)
    {
        int hour = memory[HoursAlarm] >= AnyValue ? -1 : DecodeHour(memory[HoursAlarm]);
        int minute = memory[MinutesAlarm] >= AnyValue ? -1 : Decode(memory[MinutesAlarm]);
        int sec = memory[SecondsAlarm] >= AnyValue ? -1 : Decode(memory[SecondsAlarm]);
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

    private int Decode(byte value) => (memory[RegisterB] & Binary) != 0 ? value : (value >> 4) * 10 + (value & 15);

    private byte Encode(int value) => (byte)((memory[RegisterB] & Binary) != 0 ? value : value / 10 << 4 | value % 10);

    private int DecodeHour(byte value)
    {
        if ((memory[RegisterB] & Hours24) != 0)
            return Decode(value);
        int hour = Decode((byte)(value & ~Afternoon)) % 12;
        return (value & Afternoon) != 0 ? hour + 12 : hour;
    }

    private byte EncodeHour(int hour)
    {
        if ((memory[RegisterB] & Hours24) != 0)
            return Encode(hour);
        byte value = Encode(hour % 12 == 0 ? 12 : hour % 12);
        return hour >= 12 ? (byte)(value | Afternoon) : value;
    }

    private void FillFields(long seconds)
    {
        CalendarTime time = CalendarTime.FromSeconds(seconds);
        memory[Seconds] = Encode(time.Second);
        memory[Minutes] = Encode(time.Minute);
        memory[Hours] = EncodeHour(time.Hour);
        memory[WeekDay] = Encode(time.WeekDay);
        memory[DayOfMonth] = Encode(time.Day);
        memory[Month] = Encode(time.Month);
        memory[Year] = Encode(time.Year % 100);
        memory[Century] = Encode(time.Year / 100);
    }

    private long FieldsToSeconds()
    {
        CalendarTime time = default;
        time.Second = Decode(memory[Seconds]);
        time.Minute = Decode(memory[Minutes]);
        time.Hour = DecodeHour(memory[Hours]);
        time.Day = Decode(memory[DayOfMonth]);
        time.Month = Decode(memory[Month]);
        int century = Decode(memory[Century]);
        // A machine without a century register: 1970 to 2069.
        int year = Decode(memory[Year]);
        time.Year = century is >= 19 and <= 99 ? century * 100 + year : year >= 70 ? 1900 + year : 2000 + year;
        return time.ToSeconds();
    }
}
