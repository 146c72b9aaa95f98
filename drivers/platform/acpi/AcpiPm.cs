using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>ACPI fixed hardware (ACPI 6.5, 4.8): PM timer, PM1 event and control, GPE block 0, SMI command, reset register.</summary>
/// <remarks>No general purpose event ever happens here; the only fixed event that does is the PM timer's carry.</remarks>
public sealed class AcpiPm : PortDevice
{
    /// <summary>The PM timer's clock, Hz.</summary>
    public const ulong TimerHertz = 3_579_545;

    private const int Pm1EventBytes = 4, Pm1ControlBytes = 2, TimerBytes = 4, MaxGpeBytes = 32;
    private const ushort TimerStatus = 1 << 0;
    private const ushort StatusWritable = 0xCF31, EnableWritable = 0x4721;
    private const ushort SciEnable = 1 << 0, ControlWritable = 0x1C03;
    private const int SleepTypeValues = 7;

    /// <summary>PM1 control: SLP_EN, SLP_TYP and where it begins (ACPI 6.5, table 4.14).</summary>
    public const ushort SleepEnable = 1 << 13, SleepTypeMask = 7 << SleepTypeShift;

    /// <inheritdoc cref="SleepEnable"/>
    public const int SleepTypeShift = 10;

    /// <summary>PM1 status: WAK_STS.</summary>
    public const ushort WakeStatus = 1 << 15;

    private readonly VirtualClock _clock;
    private readonly GsiLine _sci;
    private readonly ResetLatch _latch;
    private readonly AcpiConfiguration _ports;
    private readonly TickScale _scale = TickScale.FromHertz(TimerHertz);
    private readonly byte[] _gpe = new byte[MaxGpeBytes];
    private ushort _status, _enable, _control;
    private ulong _timerOffset;
    private ulong _seenTimer;
    private byte _smiCommand;

    /// <summary>Makes the hardware that <paramref name="ports"/> describes, in its power-on state; it drives <paramref name="sci"/>.</summary>
    public AcpiPm(VirtualClock clock, in AcpiConfiguration ports, GsiLine sci, ResetLatch latch)
    {
        _clock = clock;
        _ports = ports;
        _sci = sci;
        _latch = latch;
        if (_ports.Gpe0Length > MaxGpeBytes)
            _ports.Gpe0Length = MaxGpeBytes;
        Reset();
    }

    /// <summary>When the PM timer's highest bit changes next, ns; Never unless that interrupts.</summary>
    public ulong NextEvent
    {
        get
        {
            if ((_enable & TimerStatus) == 0 || (_status & TimerStatus) != 0)
                return VirtualClock.Never;
            return _scale.ToNanoseconds((_seenTimer / Half + 1) * Half - _timerOffset);
        }
    }

    /// <summary>The SLP_TYP that was written together with SLP_EN last.</summary>
    public byte LastSleepType { get; private set; }

    private ulong Half => _ports.PmTimerIs32Bit ? 1ul << 31 : 1ul << 23;

    private ulong Timer => _scale.ToTicks(_clock.Now) + _timerOffset;

    /// <summary>Whether <paramref name="port"/> is one of the configured ports.</summary>
    public bool Owns(ushort port) => Within(port, _ports.Pm1Event, Pm1EventBytes) || Within(port, _ports.Pm1Control, Pm1ControlBytes)
        || Within(port, _ports.PmTimer, TimerBytes) || Within(port, _ports.Gpe0, _ports.Gpe0Length) || Within(port, _ports.SmiCommand, 1)
        || Within(port, _ports.ResetPort, 1);

    /// <summary>Brings the carry status and the SCI up to the clock's time.</summary>
    public void Advance()
    {
        ulong now = Timer;
        if (now / Half != _seenTimer / Half)
            _status |= TimerStatus;
        _seenTimer = now;
        UpdateSci();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        Advance();
        // The timer is read in one piece, or its halves would not fit together.
        if (port == _ports.PmTimer && _ports.PmTimer != 0)
            return Truncate((uint)ReadTimer(), size);
        uint value = 0;
        for (int i = 0; i < size; i++)
            value |= (uint)ReadByte((ushort)(port + i)) << (8 * i);
        return value;
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        Advance();
        // Registers of 16 bits first, as one: SLP_TYP and SLP_EN take effect together.
        if (Within(port, _ports.Pm1Control, Pm1ControlBytes))
        {
            uint shift = 8u * (uint)(port - _ports.Pm1Control);
            uint mask = (size == 1 ? 0xFFu : 0xFFFFu) << (int)shift;
            WriteControl((ushort)((_control & ~mask) | (value << (int)shift & mask)));
            return;
        }
        for (int i = 0; i < size; i++)
            WriteByte((ushort)(port + i), (byte)(value >> (8 * i)));
        UpdateSci();
    }

    /// <summary>Power-on state: legacy mode, nothing enabled. The PM timer goes on.</summary>
    public void Reset()
    {
        _status = 0;
        _enable = 0;
        _control = 0;
        _smiCommand = 0;
        LastSleepType = 0;
        for (int i = 0; i < MaxGpeBytes; i++)
            _gpe[i] = 0;
        _seenTimer = Timer;
        UpdateSci();
    }

    /// <summary>Takes over the state of <paramref name="other"/>, whose clock must have the same zero.</summary>
    public void CopyFrom(AcpiPm other)
    {
        for (int i = 0; i < MaxGpeBytes; i++)
            _gpe[i] = other._gpe[i];
        _status = other._status;
        _enable = other._enable;
        _control = other._control;
        _timerOffset = other._timerOffset;
        _seenTimer = other._seenTimer;
        _smiCommand = other._smiCommand;
        LastSleepType = other.LastSleepType;
        UpdateSci();
    }

    /// <summary>Reads enables, control and the timer from the real hardware. Events that wait there are the real machine's, and stay there.</summary>
    public void Capture(PortDevice real)
    {
        Reset();
        if (_ports.Pm1Event != 0)
            _enable = (ushort)(real.ReadPort((ushort)(_ports.Pm1Event + 2), 2) & EnableWritable);
        if (_ports.Pm1Control != 0)
            _control = (ushort)(real.ReadPort(_ports.Pm1Control, 2) & ControlWritable);
        for (int i = _ports.Gpe0Length / 2; _ports.Gpe0 != 0 && i < _ports.Gpe0Length; i++)
            _gpe[i] = (byte)real.ReadPort((ushort)(_ports.Gpe0 + i), 1);
        if (_ports.PmTimer != 0)
            _timerOffset = (real.ReadPort(_ports.PmTimer, 4) & (2 * Half - 1)) - _scale.ToTicks(_clock.Now);
        _seenTimer = Timer;
        UpdateSci();
    }

    /// <summary>
    /// Writes mode and enables into the real hardware and clears its stale events, except that of the PM timer if it waits here too. Entering or
    /// leaving ACPI mode goes through the real SMI command port, as an OS does it.
    /// </summary>
    public void Commit(PortDevice real)
    {
        if (_ports.Pm1Control != 0)
        {
            uint now = real.ReadPort(_ports.Pm1Control, 2);
            if (((now ^ _control) & SciEnable) != 0 && _ports.SmiCommand != 0)
                real.WritePort(_ports.SmiCommand, 1, (_control & SciEnable) != 0 ? _ports.AcpiEnable : _ports.AcpiDisable);
            real.WritePort(_ports.Pm1Control, 2, (now & ~(uint)(ControlWritable | SleepEnable)) | _control);
        }
        if (_ports.Pm1Event != 0)
        {
            real.WritePort(_ports.Pm1Event, 2, (uint)(StatusWritable & ~(_status & TimerStatus)));
            real.WritePort((ushort)(_ports.Pm1Event + 2), 2, _enable);
        }
        int half = _ports.Gpe0Length / 2;
        for (int i = 0; _ports.Gpe0 != 0 && i < half; i++)
            real.WritePort((ushort)(_ports.Gpe0 + i), 1, 0xFF);
        for (int i = half; _ports.Gpe0 != 0 && i < 2 * half; i++)
            real.WritePort((ushort)(_ports.Gpe0 + i), 1, _gpe[i]);
    }

    private static bool Within(ushort port, ushort start, int length) => start != 0 && (uint)(port - start) < (uint)length;

    private static uint Truncate(uint value, int size) => size switch
    {
        1 => (byte)value,
        2 => (ushort)value,
        _ => value,
    };

    private ulong ReadTimer() => Timer & (2 * Half - 1);

    private byte ReadByte(ushort port)
    {
        if (Within(port, _ports.Pm1Event, Pm1EventBytes))
            return (byte)((_status | (uint)_enable << 16) >> (8 * (port - _ports.Pm1Event)));
        if (Within(port, _ports.Pm1Control, Pm1ControlBytes))
            return (byte)(_control >> (8 * (port - _ports.Pm1Control)));
        if (Within(port, _ports.PmTimer, TimerBytes))
            return (byte)(ReadTimer() >> (8 * (port - _ports.PmTimer)));
        if (Within(port, _ports.Gpe0, _ports.Gpe0Length))
            return _gpe[port - _ports.Gpe0];
        if (Within(port, _ports.SmiCommand, 1))
            return _smiCommand;
        return 0xFF;
    }

    private void WriteByte(ushort port, byte value)
    {
        if (Within(port, _ports.Pm1Event, Pm1EventBytes))
        {
            int shift = 8 * ((port - _ports.Pm1Event) & 1);
            if (port - _ports.Pm1Event < 2)
                _status = (ushort)(_status & ~(value << shift));
            else
                _enable = (ushort)(((_enable & ~(0xFF << shift)) | value << shift) & EnableWritable);
        }
        else if (Within(port, _ports.Gpe0, _ports.Gpe0Length))
        {
            int at = port - _ports.Gpe0;
            // Status: writing a one clears it. Nothing sets it.
            _gpe[at] = at < _ports.Gpe0Length / 2 ? (byte)(_gpe[at] & ~value) : value;
        }
        else if (Within(port, _ports.SmiCommand, 1))
        {
            _smiCommand = value;
            if (value == _ports.AcpiEnable && value != 0)
                _control |= SciEnable;
            else if (value == _ports.AcpiDisable && value != 0)
                _control = (ushort)(_control & ~SciEnable);
        }
        else if (Within(port, _ports.ResetPort, 1) && value == _ports.ResetValue)
        {
            _latch.Ask(ResetRequest.Reset);
        }
    }

    private void WriteControl(ushort value)
    {
        _control = (ushort)(value & ControlWritable);
        if ((value & SleepEnable) != 0)
        {
            LastSleepType = (byte)(value >> SleepTypeShift & SleepTypeValues);
            _latch.Ask(LastSleepType == _ports.SleepTypeOff ? ResetRequest.PowerOff : ResetRequest.Sleep);
        }
        UpdateSci();
    }

    private void UpdateSci() => _sci.Set((_control & SciEnable) != 0 && (_status & _enable & EnableWritable) != 0);
}
