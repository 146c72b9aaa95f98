using Hv.Kernel;
using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>
/// A general purpose event (ACPI 6.5, 4.8.4.1) that is Hv's: its status and enable bits are kept here, and the real ones stay 0, whatever the hardware has
/// there. All other bits, and all other ports, are the real ones; but in the event's byte no other event reads as enabled that was not: where the hardware has
/// no registers all bits read as 1, and the OS, which looks at a byte only if an event in it is enabled, would take them for events.
/// </summary>
/// <remarks>There is one for the machine: the system that has the real hardware sees it. On that system's processor.</remarks>
public sealed class HotAddEvent : PortDevice
{
    private readonly PortDevice _real;
    private byte _bit;
    private bool _isPending;
    private bool _isEnabled;
    // What was written to the byte with the enable bit last.
    private byte _enabled = byte.MaxValue;

    /// <summary>In front of the ports <paramref name="real"/>; there is no event until <see cref="Use"/>.</summary>
    public HotAddEvent(PortDevice real) => _real = real;

    /// <summary>The port of the byte that the event's status bit is in; 0 if there is no event.</summary>
    public ushort StatusPort { get; private set; }

    /// <summary>The port of the byte that its enable bit is in.</summary>
    public ushort EnablePort { get; private set; }

    /// <summary>
    /// Makes event <paramref name="number"/> of block 0 that one. <see cref="Status.InvalidArgument"/>: the block has no such event;
    /// <see cref="Status.InvalidState"/>: there is one already.
    /// </summary>
    public Status Use(in AcpiConfiguration acpi, ulong number)
    {
        int half = acpi.Gpe0Length / 2;
        if (acpi.Gpe0 == 0 || number >= (ulong)half * 8 || acpi.Gpe0 > ushort.MaxValue - acpi.Gpe0Length)
            return Status.InvalidArgument;
        if (StatusPort != 0)
            return Status.InvalidState;
        StatusPort = (ushort)(acpi.Gpe0 + (int)number / 8);
        EnablePort = (ushort)(StatusPort + half);
        _bit = (byte)(1 << (int)(number & 7));
        return Status.Ok;
    }

    /// <summary>Whether an access of <paramref name="size"/> bytes at <paramref name="port"/> touches the event's bytes.</summary>
    public bool Owns(ushort port, int size) => StatusPort != 0 && (Touches(port, size, StatusPort) || Touches(port, size, EnablePort));

    /// <summary>The event happens; false if the OS has not enabled it: then nothing is to be sent.</summary>
    public bool Raise()
    {
        _isPending |= _isEnabled;
        return _isEnabled;
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        uint value = _real.ReadPort(port, size);
        if (!Owns(port, size))
            return value;
        if (Touches(port, size, EnablePort))
            value &= ~((uint)(byte)~_enabled << (8 * (EnablePort - port)));
        value = Set(value, port, size, StatusPort, _isPending);
        return Set(value, port, size, EnablePort, _isEnabled);
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        if (Owns(port, size))
        {
            // A status bit is cleared by writing 1 to it.
            if (Touches(port, size, StatusPort))
                _isPending &= !Get(value, port, StatusPort);
            if (Touches(port, size, EnablePort))
            {
                _isEnabled = Get(value, port, EnablePort);
                _enabled = (byte)(value >> (8 * (EnablePort - port)));
            }
            value = Set(value, port, size, StatusPort, false);
            value = Set(value, port, size, EnablePort, false);
        }
        _real.WritePort(port, size, value);
    }

    private static bool Touches(ushort port, int size, ushort register) => (uint)(register - port) < (uint)size;

    private bool Get(uint value, ushort port, ushort register) => (value >> (8 * (register - port)) & _bit) != 0;

    private uint Set(uint value, ushort port, int size, ushort register, bool bit)
    {
        if (!Touches(port, size, register))
            return value;
        uint mask = (uint)_bit << (8 * (register - port));
        return bit ? value | mask : value & ~mask;
    }
}
