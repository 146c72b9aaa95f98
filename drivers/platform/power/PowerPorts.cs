namespace Hv.Drivers.Platform;

/// <summary>
/// The ports by which the machine's system resets the machine or puts it to sleep, as Hv watches them: reset control (CF9h), system control port A (92h), the
/// keyboard controller's command port, the ACPI reset register, the PM1 control blocks (ACPI 6.5, 4.8.3.2.1). Requests that Hv carries out itself are kept here
/// and not passed on; all others are the hardware's.
/// </summary>
/// <remarks>Written within the exit; carried out between exits.</remarks>
public sealed class PowerPorts
{
    private const byte ResetProcessor = 0x04;
    private const byte FastReset = 0x01;
    // 8042 commands F0h to FFh pulse the output lines whose bit is 0; line 0 is the processor's reset.
    private const byte PulseCommands = 0xF0, ResetLine = 0x01;
    private const int Pm1ControlBytes = 2;
    // In the upper byte of PM1 control: SLP_TYP in bits 4:2, SLP_EN in bit 5.
    private const int SleepTypeShift = 2;
    private const byte SleepTypeMask = 7, SleepEnable = 1 << 5;

    private readonly AcpiConfiguration _acpi;
    private byte _resetControl, _systemControl;

    /// <summary>For the fixed hardware that <paramref name="acpi"/> describes.</summary>
    public PowerPorts(in AcpiConfiguration acpi) => _acpi = acpi;

    /// <summary>Whether Hv answers resets itself.</summary>
    public bool TakesResets { get; set; }

    /// <summary>Whether Hv carries out suspends to RAM.</summary>
    public bool TakesSuspends { get; set; }

    /// <summary>
    /// A suspend was refused: PM1 status says that the machine has been woken (WAK_STS), until the system clears that. The block's first two ports are watched then.
    /// </summary>
    public bool PretendsWake { get; set; }

    /// <summary>What waits to be carried out.</summary>
    public PowerRequest Pending { get; private set; }

    /// <summary>The write that asked for it: the port, its size in bytes, and the value.</summary>
    public ushort Port { get; private set; }

    /// <inheritdoc cref="Port"/>
    public int Size { get; private set; }

    /// <inheritdoc cref="Port"/>
    public uint Value { get; private set; }

    /// <summary>How many ports <see cref="Number"/> gives.</summary>
    public int Count => 2 + (_acpi.ResetPort != 0 ? 1 : 0) + (_acpi.Pm1Control != 0 ? Pm1ControlBytes : 0) + (_acpi.Pm1ControlB != 0 ? Pm1ControlBytes : 0);

    /// <summary>The port with this number, 0 to <see cref="Count"/> - 1, that must be watched besides those that are watched for other reasons.</summary>
    public ushort Number(int index)
    {
        if (index < 2)
            return index == 0 ? ResetPorts.ResetControl : ResetPorts.SystemControlA;
        index -= 2;
        if (_acpi.ResetPort != 0 && index-- == 0)
            return _acpi.ResetPort;
        return _acpi.Pm1Control != 0 && index < Pm1ControlBytes ? (ushort)(_acpi.Pm1Control + index) : (ushort)(_acpi.Pm1ControlB + (index & 1));
    }

    /// <summary>Whether a write to <paramref name="port"/> is to be offered.</summary>
    public bool Owns(ushort port) => port is ResetPorts.ResetControl or ResetPorts.SystemControlA or I8042.CommandPort
        || (port == _acpi.ResetPort && port != 0) || InControl(port, _acpi.Pm1Control) || InControl(port, _acpi.Pm1ControlB) || InStatus(port);

    /// <summary>
    /// The system writes to one of the ports. True: Hv will carry out what that asks for, and the write is not passed on. False: it is the hardware's.
    /// </summary>
    public bool Offer(ushort port, int size, uint value)
    {
        if (PretendsWake && InStatus(port))
        {
            PretendsWake = (value << 8 * (port - _acpi.Pm1Event) & AcpiPm.WakeStatus) == 0;
            return false;
        }
        PowerRequest request = Decode(port, size, value);
        bool taken = request == PowerRequest.Reset && TakesResets || request == PowerRequest.Suspend && TakesSuspends;
        if (!taken || Pending != PowerRequest.None)
            return taken;
        Pending = request;
        Port = port;
        Size = size;
        Value = value;
        return true;
    }

    /// <summary>What waited has been carried out, or cannot be.</summary>
    public void Clear() => Pending = PowerRequest.None;

    /// <summary>What the system reads where the hardware says <paramref name="value"/>.</summary>
    public uint Read(ushort port, int size, uint value)
    {
        if (!PretendsWake || !InStatus(port))
            return value;
        uint status = (uint)AcpiPm.WakeStatus >> 8 * (port - _acpi.Pm1Event);
        return value | (size == 1 ? status & 0xFF : status);
    }

    /// <summary>What a write of <paramref name="size"/> bytes asks for.</summary>
    public PowerRequest Decode(ushort port, int size, uint value)
    {
        if (InControl(port, _acpi.Pm1Control) || InControl(port, _acpi.Pm1ControlB))
            return DecodeControl((port - _acpi.Pm1Control & 1) == 0 ? size == 1 ? (byte)0 : (byte)(value >> 8) : (byte)value);
        bool resets = false;
        switch (port)
        {
            case ResetPorts.ResetControl:
                resets = (value & ~(uint)_resetControl & ResetProcessor) != 0;
                _resetControl = (byte)(value & ~(uint)ResetProcessor);
                break;
            case ResetPorts.SystemControlA:
                resets = (value & ~(uint)_systemControl & FastReset) != 0;
                _systemControl = (byte)(value & ~(uint)FastReset);
                break;
            case I8042.CommandPort:
                resets = (value & PulseCommands) == PulseCommands && (value & ResetLine) == 0;
                break;
        }
        if (port == _acpi.ResetPort && port != 0)
            resets |= (byte)value == _acpi.ResetValue;
        return resets ? PowerRequest.Reset : PowerRequest.None;
    }

    private PowerRequest DecodeControl(byte upper)
    {
        if ((upper & SleepEnable) == 0)
            return PowerRequest.None;
        byte type = (byte)(upper >> SleepTypeShift & SleepTypeMask);
        return _acpi.HasSuspend && type == _acpi.SleepTypeSuspend ? PowerRequest.Suspend : PowerRequest.Sleep;
    }

    private bool InStatus(ushort port) => _acpi.Pm1Event != 0 && (uint)(port - _acpi.Pm1Event) < 2;

    private static bool InControl(ushort port, ushort block) => block != 0 && (uint)(port - block) < Pm1ControlBytes;
}
