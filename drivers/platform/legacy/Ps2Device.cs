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

    private readonly bool isMouse;
    private readonly byte[] queue = new byte[QueueBytes];
    private int head, count;
    private byte awaits;
    private byte lastSent;
    private bool enabled;
    private byte leds, scanCodes, rate;
    private byte resolution, scaling;
    private bool remote;

    public Ps2Device(bool isMouse)
    {
        this.isMouse = isMouse;
        Reset();
    }

    /// <summary>Whether bytes wait to be sent to the controller.</summary>
    public bool HasData => count != 0;

    /// <summary>Takes the next byte that the device sends.</summary>
    public byte Take()
    {
        if (count == 0)
            return 0;
        lastSent = queue[head];
        head = (head + 1) % QueueBytes;
        count--;
        return lastSent;
    }

    /// <summary>A byte from the controller. <paramref name="translated"/>: it translates scan codes, and shows the ID so.</summary>
    public void Write(byte value, bool translated)
    {
        byte parameterOf = awaits;
        awaits = 0;
        if (value != Resend)
            count = 0;
        if (parameterOf != 0)
            WriteParameter(parameterOf, value, translated);
        else if (isMouse)
            WriteMouse(value);
        else
            WriteKeyboard(value, translated);
    }

    /// <summary>Power-on settings, nothing to send.</summary>
    public void Reset()
    {
        head = count = 0;
        awaits = 0;
        lastSent = 0;
        SetDefaults();
        leds = 0;
        enabled = !isMouse;
    }

    /// <summary>Forgets what waits to be sent.</summary>
    public void Flush() => count = 0;

    public void CopyFrom(Ps2Device other)
    {
        for (int i = 0; i < QueueBytes; i++)
            queue[i] = other.queue[i];
        head = other.head;
        count = other.count;
        awaits = other.awaits;
        lastSent = other.lastSent;
        enabled = other.enabled;
        leds = other.leds;
        scanCodes = other.scanCodes;
        rate = other.rate;
        resolution = other.resolution;
        scaling = other.scaling;
        remote = other.remote;
    }

    /// <summary>Byte number <paramref name="index"/> of the commands that give a real device these settings; false after the last one.</summary>
    public bool TryGetCommit(int index, out byte value)
    {
        if (isMouse)
        {
            switch (index)
            {
                case 0: value = Defaults; return true;
                case 1: value = MouseResolution; return true;
                case 2: value = resolution; return true;
                case 3: value = SetRate; return true;
                case 4: value = rate; return true;
                case 5: value = scaling == 2 ? MouseScale2 : MouseScale1; return true;
                case 6: value = remote ? MouseRemote : MouseStream; return true;
                case 7: value = enabled ? Enable : Disable; return true;
            }
        }
        else
        {
            switch (index)
            {
                // Both give the defaults; after one of them it scans, after the other it does not.
                case 0: value = enabled ? Defaults : Disable; return true;
                case 1: value = SetLeds; return true;
                case 2: value = leds; return true;
                case 3: value = SetScanCodes; return true;
                case 4: value = scanCodes; return true;
                case 5: value = SetRate; return true;
                case 6: value = rate; return true;
            }
        }
        value = 0;
        return false;
    }

    private void SetDefaults()
    {
        rate = isMouse ? DefaultSamples : DefaultRate;
        scanCodes = DefaultScanCodes;
        resolution = DefaultResolution;
        scaling = 1;
        remote = false;
    }

    private void Send(byte value)
    {
        if (count == QueueBytes)
            return;
        queue[(head + count) % QueueBytes] = value;
        count++;
    }

    private void WriteParameter(byte command, byte value, bool translated)
    {
        Send(Acknowledge);
        if (isMouse)
        {
            if (command == MouseResolution)
                resolution = (byte)(value & 3);
            else
                rate = value;
            return;
        }
        switch (command)
        {
            case SetLeds:
                leds = (byte)(value & 7);
                break;
            case SetRate:
                rate = (byte)(value & 0x7F);
                break;
            case SetScanCodes when value == 0:
                Send(translated ? (byte)(0x45 - 2 * scanCodes) : scanCodes);
                break;
            case SetScanCodes when value <= 3:
                scanCodes = value;
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
                awaits = value;
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
                enabled = true;
                Send(Acknowledge);
                break;
            case Disable:
            case Defaults:
                SetDefaults();
                enabled = value == Defaults;
                Send(Acknowledge);
                break;
            case Restart:
                Reset();
                Send(Acknowledge);
                Send(SelfTestPassed);
                break;
            case Resend:
                if (count == 0)
                    Send(lastSent);
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
                awaits = value;
                Send(Acknowledge);
                break;
            case MouseScale1:
            case MouseScale2:
                scaling = (byte)(value - MouseScale1 + 1);
                Send(Acknowledge);
                break;
            case MouseStatus:
                Send(Acknowledge);
                Send((byte)((remote ? 0x40 : 0) | (enabled ? 0x20 : 0) | (scaling == 2 ? 0x10 : 0)));
                Send(resolution);
                Send(rate);
                break;
            case MouseStream:
            case MouseRemote:
                remote = value == MouseRemote;
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
                enabled = value == Enable;
                Send(Acknowledge);
                break;
            case Defaults:
                SetDefaults();
                enabled = false;
                Send(Acknowledge);
                break;
            case Restart:
                Reset();
                Send(Acknowledge);
                Send(SelfTestPassed);
                Send(0);
                break;
            case Resend:
                if (count == 0)
                    Send(lastSent);
                break;
            default:
                Send(Resend);
                break;
        }
    }
}
