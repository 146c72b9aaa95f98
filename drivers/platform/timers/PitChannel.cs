using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>One counter of the 8254 (Intel 8254 data sheet). Counts in binary; BCD is taken as binary.</summary>
/// <remarks>A new count takes effect at once, also in modes 2 and 3 while a period runs. Time is in ticks of the 1.193182 MHz clock.</remarks>
internal sealed class PitChannel
{
    private const int AccessLatch = 0, AccessLow = 1, AccessHigh = 2;
    private const uint FullCount = 0x10000;
    private const byte StatusOutput = 0x80, StatusNull = 0x40;

    private int mode;
    private int access;
    private bool loaded;
    private bool counting;
    private uint reload = FullCount;
    private ulong start;
    private ulong frozen;
    private bool gate = true;
    private bool highNextWrite, highNextRead;
    private byte lowWritten;
    private int latchedBytes;
    private ushort latch;
    private bool statusLatched;
    private byte status;

    /// <summary>The mode, 0 to 5.</summary>
    public int Mode => mode;

    /// <summary>The count that was written, 1 to 10000h.</summary>
    public uint Reload => reload;

    /// <summary>Whether the channel interrupts again and again.</summary>
    public bool IsPeriodic => mode is 2 or 3;

    /// <summary>The GATE input. It stops the count when low; in modes 1, 2, 3 and 5 its rising edge starts it anew.</summary>
    public void SetGate(bool high, ulong now)
    {
        if (gate == high)
            return;
        gate = high;
        bool triggered = mode is 1 or 5;
        if (high)
        {
            if (mode is 0 or 4)
            {
                if (counting)
                    start = now - frozen;
            }
            else if (loaded)
            {
                start = now;
                counting = true;
            }
        }
        else if (!triggered)
        {
            frozen = counting ? now - start : 0;
        }
    }

    /// <summary>A control word for this counter.</summary>
    public void WriteControl(byte control, ulong now)
    {
        int newAccess = control >> 4 & 3;
        if (newAccess == AccessLatch)
        {
            LatchCount(now);
            return;
        }
        access = newAccess;
        mode = control >> 1 & 7;
        if (mode >= 6)
            mode -= 4;
        loaded = false;
        counting = false;
        frozen = 0;
        start = now;
        highNextWrite = false;
        highNextRead = false;
        latchedBytes = 0;
        statusLatched = false;
    }

    /// <summary>The counter latch command; a latch that has not been read stays.</summary>
    public void LatchCount(ulong now)
    {
        if (latchedBytes != 0)
            return;
        latch = Count(now);
        latchedBytes = access is AccessLow or AccessHigh ? 1 : 2;
    }

    /// <summary>The status part of the read-back command.</summary>
    public void LatchStatus(ulong now)
    {
        if (statusLatched)
            return;
        statusLatched = true;
        status = (byte)((Output(now) ? StatusOutput : 0) | (loaded ? 0 : StatusNull) | access << 4 | mode << 1);
    }

    /// <summary>Reads the counter's port.</summary>
    public byte Read(ulong now)
    {
        if (statusLatched)
        {
            statusLatched = false;
            return status;
        }
        ushort value = latchedBytes != 0 ? latch : Count(now);
        bool high = access == AccessHigh;
        if (access == AccessLow + AccessHigh)
        {
            high = highNextRead;
            highNextRead = !highNextRead;
        }
        if (latchedBytes != 0)
            latchedBytes--;
        return (byte)(high ? value >> 8 : value);
    }

    /// <summary>Writes the counter's port. With the last byte of a count it runs (or waits for GATE).</summary>
    public void Write(byte value, ulong now)
    {
        switch (access)
        {
            case AccessLow:
                Load(value, now);
                break;
            case AccessHigh:
                Load((uint)value << 8, now);
                break;
            case AccessLow + AccessHigh:
                highNextWrite = !highNextWrite;
                if (highNextWrite)
                {
                    lowWritten = value;
                    // In mode 0 the first byte stops the count.
                    if (mode == 0)
                        loaded = counting = false;
                    break;
                }
                Load(lowWritten | (uint)value << 8, now);
                break;
        }
    }

    /// <summary>The OUT pin.</summary>
    public bool Output(ulong now)
    {
        if (!counting)
            return mode != 0;
        ulong elapsed = Elapsed(now);
        switch (mode)
        {
            case 0:
            case 1:
                return elapsed >= reload;
            case 2:
                return !gate || reload == 1 || elapsed % reload != reload - 1;
            case 3:
                return !gate || elapsed % reload < (reload + 1) / 2;
            default:
                return elapsed != reload;
        }
    }

    /// <summary>
    /// The tick at which OUT rises next, strictly after <paramref name="now"/>; VirtualClock.Never if it does not.
    /// Modes 0 and 1 rise at the terminal count, 4 and 5 one tick after, 2 and 3 whenever a period begins.
    /// </summary>
    public ulong NextRise(ulong now)
    {
        if (!counting || (!gate && mode is not (1 or 5)))
            return VirtualClock.Never;
        ulong elapsed = now - start;
        if (IsPeriodic)
            return now + (reload - elapsed % reload);
        ulong rise = mode is 0 or 1 ? reload : reload + 1;
        return elapsed < rise ? now + (rise - elapsed) : VirtualClock.Never;
    }

    /// <summary>The count left before the terminal count, 0 if that is past or nothing counts; in modes 2 and 3 the reload value.</summary>
    public uint CommitCount(ulong now)
    {
        if (!counting)
            return 0;
        if (IsPeriodic)
            return reload;
        ulong elapsed = Elapsed(now);
        return elapsed >= reload ? 0 : reload - (uint)elapsed;
    }

    /// <summary>Takes what a real counter's read-back gave: its status byte and its count. The reload value stays as it is known.</summary>
    public void Restore(byte readStatus, ushort count, ulong now)
    {
        mode = readStatus >> 1 & 7;
        if (mode >= 6)
            mode -= 4;
        access = readStatus >> 4 & 3;
        loaded = counting = (readStatus & StatusNull) == 0;
        highNextWrite = highNextRead = false;
        latchedBytes = 0;
        statusLatched = false;
        bool high = (readStatus & StatusOutput) != 0;
        uint left = count == 0 ? FullCount : count;
        ulong elapsed;
        if (IsPeriodic)
        {
            if (left > reload)
                reload = left;
            // Mode 3 counts down by two, twice per period.
            elapsed = mode == 2 ? reload - left : (reload - left) / 2 + (high ? 0 : (reload + 1) / 2);
        }
        else
        {
            // Past the terminal count it goes on from FFFFh: then it is over, and what is left does not matter.
            bool over = mode is 0 or 1 && high;
            reload = left;
            elapsed = over ? left : 0;
        }
        start = now - elapsed;
        frozen = elapsed;
    }

    /// <summary>Sets the reload value as it is known from elsewhere.</summary>
    public void AssumeReload(uint count) => reload = count;

    /// <summary>The access part of a control word: low byte, high byte, or both.</summary>
    public int Access => access;

    /// <summary>Power-on. The data sheet leaves the state undefined: idle in mode 3 with full count, nothing loaded.</summary>
    public void Reset()
    {
        WriteControl(0x36, 0);
        reload = FullCount;
        latch = 0;
        status = 0;
        lowWritten = 0;
        gate = true;
    }

    public void CopyFrom(PitChannel other)
    {
        mode = other.mode;
        access = other.access;
        loaded = other.loaded;
        counting = other.counting;
        reload = other.reload;
        start = other.start;
        frozen = other.frozen;
        gate = other.gate;
        highNextWrite = other.highNextWrite;
        highNextRead = other.highNextRead;
        lowWritten = other.lowWritten;
        latchedBytes = other.latchedBytes;
        latch = other.latch;
        statusLatched = other.statusLatched;
        status = other.status;
    }

    private void Load(uint count, ulong now)
    {
        reload = count == 0 ? FullCount : count;
        loaded = true;
        start = now;
        frozen = 0;
        if (mode is not (1 or 5))
            counting = true;
    }

    private ulong Elapsed(ulong now) => gate || mode is 1 or 5 ? now - start : frozen;

    private ushort Count(ulong now)
    {
        if (!counting)
            return (ushort)reload;
        ulong elapsed = Elapsed(now);
        switch (mode)
        {
            case 2:
                return (ushort)(reload - elapsed % reload);
            case 3:
                ulong phase = elapsed % reload;
                ulong half = (reload + 1) / 2;
                if (phase >= half)
                    phase -= half;
                return (ushort)((reload & ~1u) - 2 * phase);
            default:
                return (ushort)(reload - elapsed);
        }
    }
}
