using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>The pair of 8259A interrupt controllers of a PC, at ports 20h/21h and A0h/A1h, and their ELCR at 4D0h/4D1h.</summary>
/// <remarks>
/// A real pair cannot be read fully: vector bases and EOI modes are known only if all writes to it went through
/// <see cref="PortDevice.WritePort"/> of a model too (the observing model), or are assumed to be what UEFI firmware programs.
/// </remarks>
public sealed class Pic8259 : PortDevice
{
    /// <summary>Command port of the master.</summary>
    public const ushort MasterCommand = 0x20;
    /// <summary>Data port of the master.</summary>
    public const ushort MasterData = 0x21;
    /// <summary>Command port of the slave.</summary>
    public const ushort SlaveCommand = 0xA0;
    /// <summary>Data port of the slave.</summary>
    public const ushort SlaveData = 0xA1;
    /// <summary>Edge/level control of IRQ 0 to 7.</summary>
    public const ushort MasterElcr = 0x4D0;
    /// <summary>Edge/level control of IRQ 8 to 15.</summary>
    public const ushort SlaveElcr = 0x4D1;
    /// <summary>The vector base of the master under UEFI firmware (the 8259 driver of EDK II).</summary>
    public const byte FirmwareMasterBase = 0x68;
    /// <summary>The vector base of the slave under UEFI firmware.</summary>
    public const byte FirmwareSlaveBase = 0x70;

    private const int CascadeInput = 2;
    private const int Spurious = 7;
    private const byte ReadRequest = 0x0A, ReadService = 0x0B;

    private readonly PicChip _master = new(cascade: 1 << CascadeInput, elcrWritable: 0xF8);
    private readonly PicChip _slave = new(cascade: 0, elcrWritable: 0xDE);

    /// <summary>Makes the pair in its power-on state.</summary>
    public Pic8259() => Reset();

    /// <summary>The INTR output of the master.</summary>
    public bool Intr => _master.Pending != PicChip.None;

    /// <summary>No interrupt is in service: the state can be committed without loss.</summary>
    public bool IsIdle => _master.IsIdle && _slave.IsIdle;

    /// <summary>Drives interrupt request <paramref name="irq"/> (0 to 15; 2 is the cascade and has no wire).</summary>
    public void SetLine(int irq, bool asserted)
    {
        if ((uint)irq > 15 || irq == CascadeInput)
            return;
        if (irq < 8)
            _master.SetLine(irq, asserted);
        else
            _slave.SetLine(irq - 8, asserted);
        Cascade();
    }

    /// <summary>Sets what a wire carries without making an edge of it.</summary>
    internal void SetLineSilently(int irq, bool asserted)
    {
        if (irq == CascadeInput)
            return;
        if (irq < 8)
            _master.SetLineSilently(irq, asserted);
        else
            _slave.SetLineSilently(irq - 8, asserted);
        Cascade();
    }

    /// <summary>The vector that the next acknowledge cycle gives; meaningful while <see cref="Intr"/>.</summary>
    public byte PeekVector()
    {
        int input = _master.Pending;
        if (input != CascadeInput)
            return _master.VectorOf(input == PicChip.None ? Spurious : input);
        int second = _slave.Pending;
        return _slave.VectorOf(second == PicChip.None ? Spurious : second);
    }

    /// <summary>The processor's interrupt acknowledge cycles. Gives the vector; the spurious one if nothing was pending.</summary>
    public byte Acknowledge()
    {
        byte vector = PeekVector();
        int input = _master.Pending;
        if (input == PicChip.None)
            return vector;
        _master.Acknowledge(input);
        if (input == CascadeInput && _slave.Pending != PicChip.None)
            _slave.Acknowledge(_slave.Pending);
        Cascade();
        return vector;
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        uint value = port switch
        {
            MasterCommand or MasterData => _master.Read(port & 1),
            SlaveCommand or SlaveData => _slave.Read(port & 1),
            MasterElcr => _master.Elcr,
            SlaveElcr => _slave.Elcr,
            _ => 0xFF,
        };
        Cascade();
        return value;
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        switch (port)
        {
            case MasterCommand:
            case MasterData:
                _master.Write(port & 1, (byte)value);
                break;
            case SlaveCommand:
            case SlaveData:
                _slave.Write(port & 1, (byte)value);
                break;
            case MasterElcr:
                _master.Elcr = (byte)value;
                break;
            case SlaveElcr:
                _slave.Elcr = (byte)value;
                break;
        }
        Cascade();
    }

    /// <summary>Power-on state: masked, to be initialized.</summary>
    public void Reset()
    {
        _master.Reset();
        _slave.Reset();
        Cascade();
    }

    /// <summary>Takes over the state of <paramref name="other"/>.</summary>
    public void CopyFrom(Pic8259 other)
    {
        _master.CopyFrom(other._master);
        _slave.CopyFrom(other._slave);
    }

    /// <summary>Sets the state that cannot be read from the real pair to what UEFI firmware programs; for a boot snapshot.</summary>
    public void AssumeFirmware()
    {
        _master.Assume(FirmwareMasterBase);
        _slave.Assume(FirmwareSlaveBase);
        Cascade();
    }

    /// <summary>
    /// Reads what can be read from the real pair: masks, requests, in service, ELCR. The rest stays as it is: observed, or
    /// <see cref="AssumeFirmware"/>. Afterwards the command ports read the request register.
    /// </summary>
    public void Capture(PortDevice real)
    {
        CaptureChip(_master, real, MasterCommand, MasterElcr);
        CaptureChip(_slave, real, SlaveCommand, SlaveElcr);
        Cascade();
    }

    /// <summary>
    /// Writes this state into the real pair, by a full initialization, which also forgets edges that came before. Interrupts must be off
    /// on this processor; <see cref="IsIdle"/> must hold.
    /// </summary>
    public void Commit(PortDevice real)
    {
        real.WritePort(MasterElcr, 1, _master.Elcr);
        real.WritePort(SlaveElcr, 1, _slave.Elcr);
        CommitChip(_master, real, MasterCommand);
        CommitChip(_slave, real, SlaveCommand);
    }

    private static void CaptureChip(PicChip chip, PortDevice real, ushort command, ushort elcr)
    {
        real.WritePort(command, 1, ReadService);
        byte service = (byte)real.ReadPort(command, 1);
        real.WritePort(command, 1, ReadRequest);
        byte request = (byte)real.ReadPort(command, 1);
        byte mask = (byte)real.ReadPort((ushort)(command + 1), 1);
        chip.SetReadable(mask, request, service, (byte)real.ReadPort(elcr, 1));
        chip.Write(0, ReadRequest);
    }

    private static void CommitChip(PicChip chip, PortDevice real, ushort command)
    {
        for (int i = 0; chip.TryGetCommit(i, out int a0, out byte value); i++)
            real.WritePort((ushort)(command + a0), 1, value);
    }

    private void Cascade() => _master.SetLine(CascadeInput, _slave.Pending != PicChip.None);
}
