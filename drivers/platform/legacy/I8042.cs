using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>The keyboard controller at ports 60h and 64h, with a keyboard and a mouse that answer commands and are never touched.</summary>
/// <remarks>
/// Reading the real controller takes a byte away that may be on its way to the primary, so its state is known from observing: every access of
/// the primary's goes to a model too (<see cref="PortDevice.WritePort"/>, then <see cref="DropData"/>). <see cref="Capture"/> is for the
/// boot snapshot only.
/// </remarks>
public sealed class I8042 : PortDevice
{
    /// <summary>Data port.</summary>
    public const ushort DataPort = 0x60;
    /// <summary>Status (read) and command (write) port.</summary>
    public const ushort CommandPort = 0x64;

    private const byte OutputFull = 0x01, InputFull = 0x02, StatusSystem = 0x04, StatusCommand = 0x08, StatusUnlocked = 0x10, OutputFromMouse = 0x20;
    private const byte KeyboardInterrupt = 0x01, MouseInterrupt = 0x02, SystemFlag = 0x04, KeyboardOff = 0x10, MouseOff = 0x20, Translate = 0x40;
    private const byte PowerOnCommandByte = KeyboardInterrupt | MouseInterrupt | Translate;
    private const byte OutputPortReset = 0x01, OutputPortA20 = 0x02;
    private const byte ReadCommandByte = 0x20, WriteCommandByte = 0x60, MouseDisable = 0xA7, MouseEnable = 0xA8, MouseTest = 0xA9, SelfTest = 0xAA;
    private const byte KeyboardTest = 0xAB, KeyboardDisable = 0xAD, KeyboardEnable = 0xAE, ReadInputPort = 0xC0, ReadOutputPort = 0xD0;
    private const byte WriteOutputPort = 0xD1, WriteKeyboardOutput = 0xD2, WriteMouseOutput = 0xD3, WriteMouse = 0xD4, Pulse = 0xF0;
    private const byte A20Off = 0xDD, A20On = 0xDF, SelfTestPassed = 0x55, InputPort = 0x80;
    private const int MaxPolls = 20_000;
    private const int MaxFlush = 64;

    private readonly GsiLine _irq1, _irq12;
    private readonly ResetLatch _latch;
    private readonly Ps2Device _keyboard = new(isMouse: false);
    private readonly Ps2Device _mouse = new(isMouse: true);
    private bool _present = true;
    private byte _commandByte;
    private byte _awaits;
    private bool _lastWasCommand;
    private byte _outputPort;
    private bool _full, _fromMouse;
    private byte _data;
    private byte _answer;
    private bool _hasAnswer;

    /// <summary>Makes the controller in its power-on state.</summary>
    public I8042(GsiLine irq1, GsiLine irq12, ResetLatch latch)
    {
        _irq1 = irq1;
        _irq12 = irq12;
        _latch = latch;
        Reset();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        if (!_present)
            return 0xFF;
        if (port == CommandPort)
        {
            return (uint)((_full ? OutputFull : 0) | ((_commandByte & SystemFlag) != 0 ? StatusSystem : 0) | (_lastWasCommand ? StatusCommand : 0)
                | StatusUnlocked | (_full && _fromMouse ? OutputFromMouse : 0));
        }
        byte value = _data;
        _full = false;
        UpdateLines();
        Fill();
        return value;
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        if (!_present)
            return;
        _lastWasCommand = port == CommandPort;
        if (_lastWasCommand)
            WriteCommand((byte)value);
        else
            WriteData((byte)value);
        Fill();
    }

    /// <summary>Forgets everything that waits to be read; for an observing model, whose answers the real controller gives.</summary>
    public void DropData()
    {
        _full = false;
        _hasAnswer = false;
        _keyboard.Flush();
        _mouse.Flush();
        UpdateLines();
    }

    /// <summary>Power-on state.</summary>
    public void Reset()
    {
        _commandByte = PowerOnCommandByte;
        _keyboard.Reset();
        _mouse.Reset();
        _awaits = 0;
        _lastWasCommand = false;
        _outputPort = OutputPortReset | OutputPortA20;
        _full = _fromMouse = _hasAnswer = false;
        _data = _answer = 0;
        UpdateLines();
    }

    /// <summary>Takes over the state of <paramref name="other"/>.</summary>
    public void CopyFrom(I8042 other)
    {
        _commandByte = other._commandByte;
        _keyboard.CopyFrom(other._keyboard);
        _mouse.CopyFrom(other._mouse);
        _present = other._present;
        _awaits = other._awaits;
        _lastWasCommand = other._lastWasCommand;
        _outputPort = other._outputPort;
        _full = other._full;
        _fromMouse = other._fromMouse;
        _data = other._data;
        _answer = other._answer;
        _hasAnswer = other._hasAnswer;
        UpdateLines();
    }

    /// <summary>
    /// Reads the command byte of the real controller. What waits in its output buffer is thrown away. Keyboard and mouse are taken to have the
    /// settings that they power on with. A machine without the controller is seen by its status of all ones.
    /// </summary>
    public void Capture(PortDevice real)
    {
        Reset();
        _present = (byte)real.ReadPort(CommandPort, 1) != 0xFF;
        if (!_present)
            return;
        FlushReal(real);
        if (CommandReal(real, ReadCommandByte) && WaitReal(real, OutputFull, OutputFull))
            _commandByte = (byte)real.ReadPort(DataPort, 1);
        UpdateLines();
    }

    /// <summary>
    /// Gives the real keyboard and mouse, then the real controller, the settings that the guest chose. A device that does not answer is left alone.
    /// Bytes that wait there are thrown away. Takes milliseconds of the devices' time.
    /// </summary>
    public void Commit(PortDevice real)
    {
        if (!_present || (byte)real.ReadPort(CommandPort, 1) == 0xFF)
            return;
        SetRealCommandByte(real, (byte)(_commandByte & ~(KeyboardInterrupt | MouseInterrupt) | KeyboardOff | MouseOff));
        FlushReal(real);
        CommitDevice(real, _keyboard, KeyboardOff, toMouse: false);
        CommitDevice(real, _mouse, MouseOff, toMouse: true);
        FlushReal(real);
        SetRealCommandByte(real, _commandByte);
    }

    private void CommitDevice(PortDevice real, Ps2Device device, byte off, bool toMouse)
    {
        const byte quiet = KeyboardOff | MouseOff;
        SetRealCommandByte(real, (byte)((_commandByte & ~(KeyboardInterrupt | MouseInterrupt) | quiet) & ~off));
        for (int i = 0; device.TryGetCommit(i, out byte value); i++)
        {
            if (toMouse && !CommandReal(real, WriteMouse))
                return;
            if (!WaitReal(real, InputFull, 0))
                return;
            real.WritePort(DataPort, 1, value);
            if (!WaitReal(real, OutputFull, OutputFull))
                return;
            real.ReadPort(DataPort, 1);
        }
    }

    private static void SetRealCommandByte(PortDevice real, byte value)
    {
        if (CommandReal(real, WriteCommandByte) && WaitReal(real, InputFull, 0))
            real.WritePort(DataPort, 1, value);
    }

    private static bool CommandReal(PortDevice real, byte command)
    {
        if (!WaitReal(real, InputFull, 0))
            return false;
        real.WritePort(CommandPort, 1, command);
        return true;
    }

    private static bool WaitReal(PortDevice real, byte mask, byte wanted)
    {
        for (int i = 0; i < MaxPolls; i++)
        {
            if ((real.ReadPort(CommandPort, 1) & mask) == wanted)
                return true;
        }
        return false;
    }

    private static void FlushReal(PortDevice real)
    {
        for (int i = 0; i < MaxFlush && (real.ReadPort(CommandPort, 1) & OutputFull) != 0; i++)
            real.ReadPort(DataPort, 1);
    }

    private void WriteCommand(byte command)
    {
        _awaits = 0;
        switch (command)
        {
            case ReadCommandByte:
                Answer(_commandByte);
                break;
            case WriteCommandByte:
            case WriteOutputPort:
            case WriteKeyboardOutput:
            case WriteMouseOutput:
            case WriteMouse:
                _awaits = command;
                break;
            case MouseDisable:
                _commandByte |= MouseOff;
                break;
            case MouseEnable:
                _commandByte &= unchecked((byte)~MouseOff);
                break;
            case KeyboardDisable:
                _commandByte |= KeyboardOff;
                break;
            case KeyboardEnable:
                _commandByte &= unchecked((byte)~KeyboardOff);
                break;
            case SelfTest:
                _commandByte |= SystemFlag;
                Answer(SelfTestPassed);
                break;
            case MouseTest:
            case KeyboardTest:
                Answer(0);
                break;
            case ReadInputPort:
                Answer(InputPort);
                break;
            case ReadOutputPort:
                Answer((byte)(_outputPort | (_full ? 0x10 : 0)));
                break;
            case A20Off:
                _outputPort &= unchecked((byte)~OutputPortA20);
                break;
            case A20On:
                _outputPort |= OutputPortA20;
                break;
            case >= Pulse:
                // The low bits that are 0 are pulsed; bit 0 is the processor's reset.
                if ((command & OutputPortReset) == 0)
                    _latch.Ask(ResetRequest.Reset);
                break;
        }
        UpdateLines();
    }

    private void WriteData(byte value)
    {
        byte command = _awaits;
        _awaits = 0;
        switch (command)
        {
            case 0:
                _commandByte &= unchecked((byte)~KeyboardOff);
                _keyboard.Write(value, (_commandByte & Translate) != 0);
                break;
            case WriteOutputPort:
                _outputPort = (byte)(value | OutputPortReset);
                if ((value & OutputPortReset) == 0)
                    _latch.Ask(ResetRequest.Reset);
                break;
            case WriteKeyboardOutput:
                Present(value, mouseData: false);
                break;
            case WriteMouseOutput:
                Present(value, mouseData: true);
                break;
            case WriteMouse:
                _mouse.Write(value, translated: false);
                break;
            default:
                _commandByte = value;
                break;
        }
        UpdateLines();
    }

    private void Answer(byte value)
    {
        _answer = value;
        _hasAnswer = true;
    }

    /// <summary>Moves the next byte into the output buffer, if that is free: the controller's own answers first.</summary>
    private void Fill()
    {
        if (_full)
            return;
        if (_hasAnswer)
        {
            _hasAnswer = false;
            Present(_answer, mouseData: false);
        }
        else if (_keyboard.HasData && (_commandByte & KeyboardOff) == 0)
        {
            Present(_keyboard.Take(), mouseData: false);
        }
        else if (_mouse.HasData && (_commandByte & MouseOff) == 0)
        {
            Present(_mouse.Take(), mouseData: true);
        }
    }

    private void Present(byte value, bool mouseData)
    {
        _full = false;
        UpdateLines();
        _data = value;
        _fromMouse = mouseData;
        _full = true;
        UpdateLines();
    }

    private void UpdateLines()
    {
        _irq1.Set(_full && !_fromMouse && (_commandByte & KeyboardInterrupt) != 0);
        _irq12.Set(_full && _fromMouse && (_commandByte & MouseInterrupt) != 0);
    }
}
