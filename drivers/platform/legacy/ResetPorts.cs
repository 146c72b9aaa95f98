using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>The reset control register at CF9h and system control port A at 92h.</summary>
public sealed class ResetPorts : PortDevice
{
    /// <summary>Reset control (ICH9 data sheet, 13.7.5).</summary>
    public const ushort ResetControl = 0xCF9;
    /// <summary>System control port A: fast reset and A20.</summary>
    public const ushort SystemControlA = 0x92;

    private const byte ResetProcessor = 0x04, ResetWritable = 0x0E;
    private const byte FastReset = 0x01, GateA20 = 0x02;

    private readonly ResetLatch _latch;
    private byte _control;
    private byte _systemControl;

    /// <summary>Makes the ports; resets are asked for in <paramref name="latch"/>.</summary>
    public ResetPorts(ResetLatch latch)
    {
        _latch = latch;
        Reset();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size) => port == ResetControl ? _control : _systemControl;

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        byte before = port == ResetControl ? _control : _systemControl;
        byte trigger = port == ResetControl ? ResetProcessor : FastReset;
        if ((value & trigger) != 0 && (before & trigger) == 0)
            _latch.Ask(ResetRequest.Reset);
        // The bit that resets is not kept: the machine it would be kept in is gone, or the request was refused.
        if (port == ResetControl)
            _control = (byte)(value & ResetWritable & ~ResetProcessor);
        else
            _systemControl = (byte)(value & GateA20);
    }

    /// <summary>Power-on state; A20 is open.</summary>
    public void Reset()
    {
        _control = 0;
        _systemControl = GateA20;
    }

    /// <summary>Takes over the state of <paramref name="other"/>.</summary>
    public void CopyFrom(ResetPorts other)
    {
        _control = other._control;
        _systemControl = other._systemControl;
    }
}
