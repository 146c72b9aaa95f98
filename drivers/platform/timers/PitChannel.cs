using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>One counter of the 8254 (Intel 8254 data sheet). Counts in binary; BCD is taken as binary.</summary>
/// <remarks>A new count takes effect at once, also in modes 2 and 3 while a period runs. Time is in ticks of the 1.193182 MHz clock.</remarks>
internal sealed class PitChannel
{
    private const int AccessLatch = 0, AccessLow = 1, AccessHigh = 2;
    private const uint FullCount = 0x10000;
    private const byte StatusOutput = 0x80, StatusNull = 0x40;

    private int _mode;
    private int _access;
    private bool _loaded;
    private bool _counting;
    private uint _reload = FullCount;
    private ulong _start;
    private ulong _frozen;
    private bool _gate = true;
    private bool _highNextWrite, _highNextRead;
    private byte _lowWritten;
    private int _latchedBytes;
    private ushort _latch;
    private bool _statusLatched;
    private byte _status;

    /// <summary>The mode, 0 to 5.</summary>
    public int Mode => _mode;

    /// <summary>The count that was written, 1 to 10000h.</summary>
    public uint Reload => _reload;

    /// <summary>Whether the channel interrupts again and again.</summary>
    public bool IsPeriodic => _mode is 2 or 3;

    /// <summary>The GATE input. It stops the count when low; in modes 1, 2, 3 and 5 its rising edge starts it anew.</summary>
    public void SetGate(bool high, ulong now)
    {
        if (_gate == high)
            return;
        _gate = high;
        bool triggered = _mode is 1 or 5;
        if (high)
        {
            if (_mode is 0 or 4)
            {
                if (_counting)
                    _start = now - _frozen;
            }
            else if (_loaded)
            {
                _start = now;
                _counting = true;
            }
        }
        else if (!triggered)
        {
            _frozen = _counting ? now - _start : 0;
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
        _access = newAccess;
        _mode = control >> 1 & 7;
        if (_mode >= 6)
            _mode -= 4;
        _loaded = false;
        _counting = false;
        _frozen = 0;
        _start = now;
        _highNextWrite = false;
        _highNextRead = false;
        _latchedBytes = 0;
        _statusLatched = false;
    }

    /// <summary>The counter latch command; a latch that has not been read stays.</summary>
    public void LatchCount(ulong now)
    {
        if (_latchedBytes != 0)
            return;
        _latch = Count(now);
        _latchedBytes = _access is AccessLow or AccessHigh ? 1 : 2;
    }

    /// <summary>The status part of the read-back command.</summary>
    public void LatchStatus(ulong now)
    {
        if (_statusLatched)
            return;
        _statusLatched = true;
        _status = (byte)((Output(now) ? StatusOutput : 0) | (_loaded ? 0 : StatusNull) | _access << 4 | _mode << 1);
    }

    /// <summary>Reads the counter's port.</summary>
    public byte Read(ulong now)
    {
        if (_statusLatched)
        {
            _statusLatched = false;
            return _status;
        }
        ushort value = _latchedBytes != 0 ? _latch : Count(now);
        bool high = _access == AccessHigh;
        if (_access == AccessLow + AccessHigh)
        {
            high = _highNextRead;
            _highNextRead = !_highNextRead;
        }
        if (_latchedBytes != 0)
            _latchedBytes--;
        return (byte)(high ? value >> 8 : value);
    }

    /// <summary>Writes the counter's port. With the last byte of a count it runs (or waits for GATE).</summary>
    public void Write(byte value, ulong now)
    {
        switch (_access)
        {
            case AccessLow:
                Load(value, now);
                break;
            case AccessHigh:
                Load((uint)value << 8, now);
                break;
            case AccessLow + AccessHigh:
                _highNextWrite = !_highNextWrite;
                if (_highNextWrite)
                {
                    _lowWritten = value;
                    // In mode 0 the first byte stops the count.
                    if (_mode == 0)
                        _loaded = _counting = false;
                    break;
                }
                Load(_lowWritten | (uint)value << 8, now);
                break;
        }
    }

    /// <summary>The OUT pin.</summary>
    public bool Output(ulong now)
    {
        if (!_counting)
            return _mode != 0;
        ulong elapsed = Elapsed(now);
        switch (_mode)
        {
            case 0:
            case 1:
                return elapsed >= _reload;
            case 2:
                return !_gate || _reload == 1 || elapsed % _reload != _reload - 1;
            case 3:
                return !_gate || elapsed % _reload < (_reload + 1) / 2;
            default:
                return elapsed != _reload;
        }
    }

    /// <summary>
    /// The tick at which OUT rises next, strictly after <paramref name="now"/>; VirtualClock.Never if it does not.
    /// Modes 0 and 1 rise at the terminal count, 4 and 5 one tick after, 2 and 3 whenever a period begins.
    /// </summary>
    public ulong NextRise(ulong now)
    {
        if (!_counting || (!_gate && _mode is not (1 or 5)))
            return VirtualClock.Never;
        ulong elapsed = now - _start;
        if (IsPeriodic)
            return now + (_reload - elapsed % _reload);
        ulong rise = _mode is 0 or 1 ? _reload : _reload + 1;
        return elapsed < rise ? now + (rise - elapsed) : VirtualClock.Never;
    }

    /// <summary>The count left before the terminal count, 0 if that is past or nothing counts; in modes 2 and 3 the reload value.</summary>
    public uint CommitCount(ulong now)
    {
        if (!_counting)
            return 0;
        if (IsPeriodic)
            return _reload;
        ulong elapsed = Elapsed(now);
        return elapsed >= _reload ? 0 : _reload - (uint)elapsed;
    }

    /// <summary>Takes what a real counter's read-back gave: its status byte and its count. The reload value stays as it is known.</summary>
    public void Restore(byte readStatus, ushort count, ulong now)
    {
        _mode = readStatus >> 1 & 7;
        if (_mode >= 6)
            _mode -= 4;
        _access = readStatus >> 4 & 3;
        _loaded = _counting = (readStatus & StatusNull) == 0;
        _highNextWrite = _highNextRead = false;
        _latchedBytes = 0;
        _statusLatched = false;
        bool high = (readStatus & StatusOutput) != 0;
        uint left = count == 0 ? FullCount : count;
        ulong elapsed;
        if (IsPeriodic)
        {
            if (left > _reload)
                _reload = left;
            // Mode 3 counts down by two, twice per period.
            elapsed = _mode == 2 ? _reload - left : (_reload - left) / 2 + (high ? 0 : (_reload + 1) / 2);
        }
        else
        {
            // Past the terminal count it goes on from FFFFh: then it is over, and what is left does not matter.
            bool over = _mode is 0 or 1 && high;
            _reload = left;
            elapsed = over ? left : 0;
        }
        _start = now - elapsed;
        _frozen = elapsed;
    }

    /// <summary>Sets the reload value as it is known from elsewhere.</summary>
    public void AssumeReload(uint count) => _reload = count;

    /// <summary>The access part of a control word: low byte, high byte, or both.</summary>
    public int Access => _access;

    /// <summary>Power-on. The data sheet leaves the state undefined: idle in mode 3 with full count, nothing loaded.</summary>
    public void Reset()
    {
        WriteControl(0x36, 0);
        _reload = FullCount;
        _latch = 0;
        _status = 0;
        _lowWritten = 0;
        _gate = true;
    }

    public void CopyFrom(PitChannel other)
    {
        _mode = other._mode;
        _access = other._access;
        _loaded = other._loaded;
        _counting = other._counting;
        _reload = other._reload;
        _start = other._start;
        _frozen = other._frozen;
        _gate = other._gate;
        _highNextWrite = other._highNextWrite;
        _highNextRead = other._highNextRead;
        _lowWritten = other._lowWritten;
        _latchedBytes = other._latchedBytes;
        _latch = other._latch;
        _statusLatched = other._statusLatched;
        _status = other._status;
    }

    private void Load(uint count, ulong now)
    {
        _reload = count == 0 ? FullCount : count;
        _loaded = true;
        _start = now;
        _frozen = 0;
        if (_mode is not (1 or 5))
            _counting = true;
    }

    private ulong Elapsed(ulong now) => _gate || _mode is 1 or 5 ? now - _start : _frozen;

    private ushort Count(ulong now)
    {
        if (!_counting)
            return (ushort)_reload;
        ulong elapsed = Elapsed(now);
        switch (_mode)
        {
            case 2:
                return (ushort)(_reload - elapsed % _reload);
            case 3:
                ulong phase = elapsed % _reload;
                ulong half = (_reload + 1) / 2;
                if (phase >= half)
                    phase -= half;
                return (ushort)((_reload & ~1u) - 2 * phase);
            default:
                return (ushort)(_reload - elapsed);
        }
    }
}
