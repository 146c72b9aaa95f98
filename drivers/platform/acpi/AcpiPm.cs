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
    private const ushort SciEnable = 1 << 0, SleepEnable = 1 << 13, ControlWritable = 0x1C03;
    private const int SleepTypeShift = 10, SleepTypeMask = 7;

    private readonly VirtualClock clock;
    private readonly GsiLine sci;
    private readonly ResetLatch latch;
    private readonly AcpiConfiguration ports;
    private readonly TickScale scale = TickScale.FromHertz(TimerHertz);
    private readonly byte[] gpe = new byte[MaxGpeBytes];
    private ushort status, enable, control;
    private ulong timerOffset;
    private ulong seenTimer;
    private byte smiCommand;

    /// <summary>Makes the hardware that <paramref name="ports"/> describes, in its power-on state; it drives <paramref name="sci"/>.</summary>
    public AcpiPm(VirtualClock clock, in AcpiConfiguration ports, GsiLine sci, ResetLatch latch)
    {
        this.clock = clock;
        this.ports = ports;
        this.sci = sci;
        this.latch = latch;
        if (this.ports.Gpe0Length > MaxGpeBytes)
            this.ports.Gpe0Length = MaxGpeBytes;
        Reset();
    }

    /// <summary>When the PM timer's highest bit changes next, ns; Never unless that interrupts.</summary>
    public ulong NextEvent
    {
        get
        {
            if ((enable & TimerStatus) == 0 || (status & TimerStatus) != 0)
                return VirtualClock.Never;
            return scale.ToNanoseconds((seenTimer / Half + 1) * Half - timerOffset);
        }
    }

    /// <summary>The SLP_TYP that was written together with SLP_EN last.</summary>
    public byte LastSleepType { get; private set; }

    private ulong Half => ports.PmTimerIs32Bit ? 1ul << 31 : 1ul << 23;

    private ulong Timer => scale.ToTicks(clock.Now) + timerOffset;

    /// <summary>Whether <paramref name="port"/> is one of the configured ports.</summary>
    public bool Owns(ushort port) => Within(port, ports.Pm1Event, Pm1EventBytes) || Within(port, ports.Pm1Control, Pm1ControlBytes)
        || Within(port, ports.PmTimer, TimerBytes) || Within(port, ports.Gpe0, ports.Gpe0Length) || Within(port, ports.SmiCommand, 1)
        || Within(port, ports.ResetPort, 1);

    /// <summary>Brings the carry status and the SCI up to the clock's time.</summary>
    public void Advance()
    {
        ulong now = Timer;
        if (now / Half != seenTimer / Half)
            status |= TimerStatus;
        seenTimer = now;
        UpdateSci();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        Advance();
        // The timer is read in one piece, or its halves would not fit together.
        if (port == ports.PmTimer && ports.PmTimer != 0)
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
        if (Within(port, ports.Pm1Control, Pm1ControlBytes))
        {
            uint shift = 8u * (uint)(port - ports.Pm1Control);
            uint mask = (size == 1 ? 0xFFu : 0xFFFFu) << (int)shift;
            WriteControl((ushort)((control & ~mask) | (value << (int)shift & mask)));
            return;
        }
        for (int i = 0; i < size; i++)
            WriteByte((ushort)(port + i), (byte)(value >> (8 * i)));
        UpdateSci();
    }

    /// <summary>Power-on state: legacy mode, nothing enabled. The PM timer goes on.</summary>
    public void Reset()
    {
        status = 0;
        enable = 0;
        control = 0;
        smiCommand = 0;
        LastSleepType = 0;
        for (int i = 0; i < MaxGpeBytes; i++)
            gpe[i] = 0;
        seenTimer = Timer;
        UpdateSci();
    }

    /// <summary>Takes over the state of <paramref name="other"/>, whose clock must have the same zero.</summary>
    public void CopyFrom(AcpiPm other)
    {
        for (int i = 0; i < MaxGpeBytes; i++)
            gpe[i] = other.gpe[i];
        status = other.status;
        enable = other.enable;
        control = other.control;
        timerOffset = other.timerOffset;
        seenTimer = other.seenTimer;
        smiCommand = other.smiCommand;
        LastSleepType = other.LastSleepType;
        UpdateSci();
    }

    /// <summary>Reads enables, control and the timer from the real hardware. Events that wait there are the real machine's, and stay there.</summary>
    public void Capture(PortDevice real)
    {
        Reset();
        if (ports.Pm1Event != 0)
            enable = (ushort)(real.ReadPort((ushort)(ports.Pm1Event + 2), 2) & EnableWritable);
        if (ports.Pm1Control != 0)
            control = (ushort)(real.ReadPort(ports.Pm1Control, 2) & ControlWritable);
        for (int i = ports.Gpe0Length / 2; ports.Gpe0 != 0 && i < ports.Gpe0Length; i++)
            gpe[i] = (byte)real.ReadPort((ushort)(ports.Gpe0 + i), 1);
        if (ports.PmTimer != 0)
            timerOffset = (real.ReadPort(ports.PmTimer, 4) & (2 * Half - 1)) - scale.ToTicks(clock.Now);
        seenTimer = Timer;
        UpdateSci();
    }

    /// <summary>
    /// Writes mode and enables into the real hardware and clears its stale events, except that of the PM timer if it waits here too. Entering or
    /// leaving ACPI mode goes through the real SMI command port, as an OS does it.
    /// </summary>
    public void Commit(PortDevice real)
    {
        if (ports.Pm1Control != 0)
        {
            uint now = real.ReadPort(ports.Pm1Control, 2);
            if (((now ^ control) & SciEnable) != 0 && ports.SmiCommand != 0)
                real.WritePort(ports.SmiCommand, 1, (control & SciEnable) != 0 ? ports.AcpiEnable : ports.AcpiDisable);
            real.WritePort(ports.Pm1Control, 2, (now & ~(uint)(ControlWritable | SleepEnable)) | control);
        }
        if (ports.Pm1Event != 0)
        {
            real.WritePort(ports.Pm1Event, 2, (uint)(StatusWritable & ~(status & TimerStatus)));
            real.WritePort((ushort)(ports.Pm1Event + 2), 2, enable);
        }
        int half = ports.Gpe0Length / 2;
        for (int i = 0; ports.Gpe0 != 0 && i < half; i++)
            real.WritePort((ushort)(ports.Gpe0 + i), 1, 0xFF);
        for (int i = half; ports.Gpe0 != 0 && i < 2 * half; i++)
            real.WritePort((ushort)(ports.Gpe0 + i), 1, gpe[i]);
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
        if (Within(port, ports.Pm1Event, Pm1EventBytes))
            return (byte)((status | (uint)enable << 16) >> (8 * (port - ports.Pm1Event)));
        if (Within(port, ports.Pm1Control, Pm1ControlBytes))
            return (byte)(control >> (8 * (port - ports.Pm1Control)));
        if (Within(port, ports.PmTimer, TimerBytes))
            return (byte)(ReadTimer() >> (8 * (port - ports.PmTimer)));
        if (Within(port, ports.Gpe0, ports.Gpe0Length))
            return gpe[port - ports.Gpe0];
        if (Within(port, ports.SmiCommand, 1))
            return smiCommand;
        return 0xFF;
    }

    private void WriteByte(ushort port, byte value)
    {
        if (Within(port, ports.Pm1Event, Pm1EventBytes))
        {
            int shift = 8 * ((port - ports.Pm1Event) & 1);
            if (port - ports.Pm1Event < 2)
                status = (ushort)(status & ~(value << shift));
            else
                enable = (ushort)(((enable & ~(0xFF << shift)) | value << shift) & EnableWritable);
        }
        else if (Within(port, ports.Gpe0, ports.Gpe0Length))
        {
            int at = port - ports.Gpe0;
            // Status: writing a one clears it. Nothing sets it.
            gpe[at] = at < ports.Gpe0Length / 2 ? (byte)(gpe[at] & ~value) : value;
        }
        else if (Within(port, ports.SmiCommand, 1))
        {
            smiCommand = value;
            if (value == ports.AcpiEnable && value != 0)
                control |= SciEnable;
            else if (value == ports.AcpiDisable && value != 0)
                control = (ushort)(control & ~SciEnable);
        }
        else if (Within(port, ports.ResetPort, 1) && value == ports.ResetValue)
        {
            latch.Ask(ResetRequest.Reset);
        }
    }

    private void WriteControl(ushort value)
    {
        control = (ushort)(value & ControlWritable);
        if ((value & SleepEnable) != 0)
        {
            LastSleepType = (byte)(value >> SleepTypeShift & SleepTypeMask);
            latch.Ask(LastSleepType == ports.SleepTypeOff ? ResetRequest.PowerOff : ResetRequest.Sleep);
        }
        UpdateSci();
    }

    private void UpdateSci() => sci.Set((control & SciEnable) != 0 && (status & enable & EnableWritable) != 0);
}
