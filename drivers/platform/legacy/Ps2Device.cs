namespace Hv.Drivers.Platform;

/// <summary>
/// A PS/2 keyboard or mouse that nobody touches: it answers commands (IBM PS/2 Hardware Interface Technical Reference; 101/102-key keyboard and
/// mouse sections), so that a guest's driver finds it and sets it up, and remembers the settings for the real one.
/// </summary>
internal sealed class Ps2Device
{
    private const int QueueBytes = 16;
    private const byte Acknowledge = 0xFA, SelfTestPassed = 0xAA, Resend = 0xFE, Echo = 0xEE;
    private const byte KeyboardId1 = 0xAB, KeyboardId2 = 0x83, KeyboardId2Translated = 0x41;
    private const byte SetLeds = 0xED, SetScanCodes = 0xF0, GetId = 0xF2, SetRate = 0xF3, Enable = 0xF4, Disable = 0xF5, Defaults = 0xF6, Restart = 0xFF;
    private const byte MouseScale1 = 0xE6, MouseScale2 = 0xE7, MouseResolution = 0xE8, MouseStatus = 0xE9, MouseStream = 0xEA, MouseRead = 0xEB;
    private const byte MouseUnwrap = 0xEC, MouseWrap = 0xEE, MouseRemote = 0xF0;
    private const byte DefaultRate = 0x2B, DefaultScanCodes = 2, DefaultSamples = 100, DefaultResolution = 2;

    private readonly bool _isMouse;
    private readonly byte[] _queue = new byte[QueueBytes];
    private int _head, _count;
    private byte _awaits;
    private byte _lastSent;
    private bool _enabled;
    private byte _leds, _scanCodes, _rate;
    private byte _resolution, _scaling;
    private bool _remote;

    public Ps2Device(bool isMouse)
    {
        _isMouse = isMouse;
        Reset();
    }

    /// <summary>Whether bytes wait to be sent to the controller.</summary>
    public bool HasData => _count != 0;

    /// <summary>Takes the next byte that the device sends.</summary>
    public byte Take()
    {
        if (_count == 0)
            return 0;
        _lastSent = _queue[_head];
        _head = (_head + 1) % QueueBytes;
        _count--;
        return _lastSent;
    }

    /// <summary>A byte from the controller. <paramref name="translated"/>: it translates scan codes, and shows the ID so.</summary>
    public void Write(byte value, bool translated)
    {
        byte parameterOf = _awaits;
        _awaits = 0;
        if (value != Resend)
            _count = 0;
        if (parameterOf != 0)
            WriteParameter(parameterOf, value, translated);
        else if (_isMouse)
            WriteMouse(value);
        else
            WriteKeyboard(value, translated);
    }

    /// <summary>Power-on settings, nothing to send.</summary>
    public void Reset()
    {
        _head = _count = 0;
        _awaits = 0;
        _lastSent = 0;
        SetDefaults();
        _leds = 0;
        _enabled = !_isMouse;
    }

    /// <summary>Forgets what waits to be sent.</summary>
    public void Flush() => _count = 0;

    public void CopyFrom(Ps2Device other)
    {
        for (int i = 0; i < QueueBytes; i++)
            _queue[i] = other._queue[i];
        _head = other._head;
        _count = other._count;
        _awaits = other._awaits;
        _lastSent = other._lastSent;
        _enabled = other._enabled;
        _leds = other._leds;
        _scanCodes = other._scanCodes;
        _rate = other._rate;
        _resolution = other._resolution;
        _scaling = other._scaling;
        _remote = other._remote;
    }

    /// <summary>Byte number <paramref name="index"/> of the commands that give a real device these settings; false after the last one.</summary>
    public bool TryGetCommit(int index, out byte value)
    {
        if (_isMouse)
        {
            switch (index)
            {
                case 0: value = Defaults; return true;
                case 1: value = MouseResolution; return true;
                case 2: value = _resolution; return true;
                case 3: value = SetRate; return true;
                case 4: value = _rate; return true;
                case 5: value = _scaling == 2 ? MouseScale2 : MouseScale1; return true;
                case 6: value = _remote ? MouseRemote : MouseStream; return true;
                case 7: value = _enabled ? Enable : Disable; return true;
            }
        }
        else
        {
            switch (index)
            {
                // Both give the defaults; after one of them it scans, after the other it does not.
                case 0: value = _enabled ? Defaults : Disable; return true;
                case 1: value = SetLeds; return true;
                case 2: value = _leds; return true;
                case 3: value = SetScanCodes; return true;
                case 4: value = _scanCodes; return true;
                case 5: value = SetRate; return true;
                case 6: value = _rate; return true;
            }
        }
        value = 0;
        return false;
    }

    private void SetDefaults()
    {
        _rate = _isMouse ? DefaultSamples : DefaultRate;
        _scanCodes = DefaultScanCodes;
        _resolution = DefaultResolution;
        _scaling = 1;
        _remote = false;
    }

    private void Send(byte value)
    {
        if (_count == QueueBytes)
            return;
        _queue[(_head + _count) % QueueBytes] = value;
        _count++;
    }

    private void WriteParameter(byte command, byte value, bool translated)
    {
        Send(Acknowledge);
        if (_isMouse)
        {
            if (command == MouseResolution)
                _resolution = (byte)(value & 3);
            else
                _rate = value;
            return;
        }
        switch (command)
        {
            case SetLeds:
                _leds = (byte)(value & 7);
                break;
            case SetRate:
                _rate = (byte)(value & 0x7F);
                break;
            case SetScanCodes when value == 0:
                Send(translated ? (byte)(0x45 - 2 * _scanCodes) : _scanCodes);
                break;
            case SetScanCodes when value <= 3:
                _scanCodes = value;
                break;
        }
    }

    private void WriteKeyboard(byte value, bool translated)
    {
        switch (value)
        {
            case SetLeds:
            case SetScanCodes:
            case SetRate:
                _awaits = value;
                Send(Acknowledge);
                break;
            case Echo:
                Send(Echo);
                break;
            case GetId:
                Send(Acknowledge);
                Send(KeyboardId1);
                Send(translated ? KeyboardId2Translated : KeyboardId2);
                break;
            case Enable:
                _enabled = true;
                Send(Acknowledge);
                break;
            case Disable:
            case Defaults:
                SetDefaults();
                _enabled = value == Defaults;
                Send(Acknowledge);
                break;
            case Restart:
                Reset();
                Send(Acknowledge);
                Send(SelfTestPassed);
                break;
            case Resend:
                if (_count == 0)
                    Send(_lastSent);
                break;
            case >= 0xF7 and <= 0xFA:
                Send(Acknowledge);
                break;
            default:
                Send(Resend);
                break;
        }
    }

    private void WriteMouse(byte value)
    {
        switch (value)
        {
            case MouseResolution:
            case SetRate:
                _awaits = value;
                Send(Acknowledge);
                break;
            case MouseScale1:
            case MouseScale2:
                _scaling = (byte)(value - MouseScale1 + 1);
                Send(Acknowledge);
                break;
            case MouseStatus:
                Send(Acknowledge);
                Send((byte)((_remote ? 0x40 : 0) | (_enabled ? 0x20 : 0) | (_scaling == 2 ? 0x10 : 0)));
                Send(_resolution);
                Send(_rate);
                break;
            case MouseStream:
            case MouseRemote:
                _remote = value == MouseRemote;
                Send(Acknowledge);
                break;
            case MouseRead:
                Send(Acknowledge);
                Send(0x08);
                Send(0);
                Send(0);
                break;
            case MouseUnwrap:
            case MouseWrap:
                Send(Acknowledge);
                break;
            case GetId:
                Send(Acknowledge);
                Send(0);
                break;
            case Enable:
            case Disable:
                _enabled = value == Enable;
                Send(Acknowledge);
                break;
            case Defaults:
                SetDefaults();
                _enabled = false;
                Send(Acknowledge);
                break;
            case Restart:
                Reset();
                Send(Acknowledge);
                Send(SelfTestPassed);
                Send(0);
                break;
            case Resend:
                if (_count == 0)
                    Send(_lastSent);
                break;
            default:
                Send(Resend);
                break;
        }
    }
}
