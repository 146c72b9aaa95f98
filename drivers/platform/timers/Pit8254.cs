using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>The 8254 interval timer at ports 40h to 43h, and port 61h with the gate and output of its channel 2.</summary>
/// <remarks>
/// Channel 0 raises IRQ 0; periods that the machine was not run through come as one interrupt. Nothing hears channels 1 and 2.
/// The reload values of a real 8254 cannot be read: they are known from observing the writes, or assumed.
/// </remarks>
public sealed class Pit8254 : PortDevice
{
    /// <summary>Port of channel 0.</summary>
    public const ushort Channel0 = 0x40;
    /// <summary>The control word's port.</summary>
    public const ushort Control = 0x43;
    /// <summary>System control port B.</summary>
    public const ushort SystemControl = 0x61;
    /// <summary>The input clock, Hz.</summary>
    public const ulong Hertz = 1_193_182;
    /// <summary>The count that UEFI firmware programs into channel 0: 10 ms (the 8254 timer driver of EDK II).</summary>
    public const uint FirmwareReload = 11932;

    private const int ChannelCount = 3;
    private const int ReadBack = 3;
    private const int ReadBackNoCount = 0x20, ReadBackNoStatus = 0x10;
    private const byte GateChannel2 = 0x01, SpeakerBits = 0x0F, RefreshToggle = 0x10, OutChannel2 = 0x20;
    private const ulong RefreshTicks = 18;

    private readonly VirtualClock _clock;
    private readonly GsiLine _irq0;
    private readonly TickScale _scale = TickScale.FromHertz(Hertz);
    private readonly PitChannel[] _channels = new PitChannel[ChannelCount];
    private byte _control61;
    private ulong _nextRise;

    /// <summary>Makes the timer in its power-on state; channel 0 drives <paramref name="irq0"/>.</summary>
    public Pit8254(VirtualClock clock, GsiLine irq0)
    {
        _clock = clock;
        _irq0 = irq0;
        for (int i = 0; i < ChannelCount; i++)
            _channels[i] = new PitChannel();
        Reset();
    }

    /// <summary>When channel 0 interrupts next, ns.</summary>
    public ulong NextEvent => _nextRise == VirtualClock.Never ? VirtualClock.Never : _scale.ToNanoseconds(_nextRise);

    private ulong Tick => _scale.ToTicks(_clock.Now);

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        if (port == SystemControl)
        {
            bool toggle = (Tick / RefreshTicks & 1) != 0;
            return (uint)(_control61 | (toggle ? RefreshToggle : 0) | (_channels[2].Output(Tick) ? OutChannel2 : 0));
        }
        int channel = port - Channel0;
        return (uint)channel < ChannelCount ? _channels[channel].Read(Tick) : 0xFFu;
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        switch (port)
        {
            case SystemControl:
                _control61 = (byte)(value & SpeakerBits);
                _channels[2].SetGate((_control61 & GateChannel2) != 0, Tick);
                break;
            case Control:
                WriteControl((byte)value);
                break;
            default:
                int channel = port - Channel0;
                if ((uint)channel >= ChannelCount)
                    break;
                _channels[channel].Write((byte)value, Tick);
                if (channel == 0)
                    Channel0Changed();
                break;
        }
    }

    /// <summary>Raises IRQ 0 if channel 0 has risen by the clock's time.</summary>
    public void Advance()
    {
        if (NextEvent > _clock.Now)
            return;
        _nextRise = _channels[0].NextRise(Tick);
        _irq0.Pulse();
    }

    /// <summary>Power-on state: nothing counts.</summary>
    public void Reset()
    {
        for (int i = 0; i < ChannelCount; i++)
            _channels[i].Reset();
        _control61 = 0;
        _channels[2].SetGate(false, Tick);
        _nextRise = VirtualClock.Never;
        _irq0.Set(_channels[0].Output(Tick));
    }

    /// <summary>Takes over the state of <paramref name="other"/>, at the clock's present time.</summary>
    public void CopyFrom(Pit8254 other)
    {
        for (int i = 0; i < ChannelCount; i++)
            _channels[i].CopyFrom(other._channels[i]);
        _control61 = other._control61;
        _nextRise = other._nextRise;
        _irq0.Set(_channels[0].Output(Tick));
    }

    /// <summary>Sets what cannot be read from the real timer to what UEFI firmware programs; for a boot snapshot.</summary>
    public void AssumeFirmware() => _channels[0].AssumeReload(FirmwareReload);

    /// <summary>Reads modes, counts and outputs from the real timer with its read-back command, and port 61h.</summary>
    public void Capture(PortDevice real)
    {
        _control61 = (byte)(real.ReadPort(SystemControl, 1) & SpeakerBits);
        _channels[2].SetGate((_control61 & GateChannel2) != 0, Tick);
        for (int i = 0; i < ChannelCount; i++)
        {
            ushort port = (ushort)(Channel0 + i);
            real.WritePort(Control, 1, (uint)(ReadBack << 6 | 2 << i));
            byte status = (byte)real.ReadPort(port, 1);
            int access = status >> 4 & 3;
            uint count = real.ReadPort(port, 1);
            if (access == 3)
                count |= real.ReadPort(port, 1) << 8;
            else if (access == 2)
                count <<= 8;
            _channels[i].Restore(status, (ushort)count, Tick);
        }
        Channel0Changed();
    }

    /// <summary>
    /// Programs the real timer: modes 2 and 3 start a whole period anew, modes 0 and 4 go on with the count that is left, and a one shot
    /// that is over is left without a count. May cause an edge of IRQ 0: commit it with the interrupt controllers masked.
    /// </summary>
    public void Commit(PortDevice real)
    {
        real.WritePort(SystemControl, 1, _control61);
        for (int i = 0; i < ChannelCount; i++)
        {
            PitChannel channel = _channels[i];
            if (channel.Access == 0)
                continue;
            ushort port = (ushort)(Channel0 + i);
            real.WritePort(Control, 1, (uint)(i << 6 | channel.Access << 4 | channel.Mode << 1));
            uint count = channel.CommitCount(Tick);
            if (count == 0)
                continue;
            // A count that does not fit the access width any more is rounded up within it.
            if (channel.Access == 2)
                real.WritePort(port, 1, (count + 0xFF) >> 8 & 0xFF);
            else
                real.WritePort(port, 1, count & 0xFF);
            if (channel.Access == 3)
                real.WritePort(port, 1, count >> 8 & 0xFF);
        }
    }

    private void WriteControl(byte value)
    {
        int channel = value >> 6;
        if (channel != ReadBack)
        {
            _channels[channel].WriteControl(value, Tick);
            if (channel == 0 && (value >> 4 & 3) != 0)
                Channel0Changed();
            return;
        }
        for (int i = 0; i < ChannelCount; i++)
        {
            if ((value >> (i + 1) & 1) == 0)
                continue;
            if ((value & ReadBackNoCount) == 0)
                _channels[i].LatchCount(Tick);
            if ((value & ReadBackNoStatus) == 0)
                _channels[i].LatchStatus(Tick);
        }
    }

    private void Channel0Changed()
    {
        ulong now = Tick;
        _nextRise = _channels[0].NextRise(now);
        _irq0.Set(_channels[0].Output(now));
    }
}
