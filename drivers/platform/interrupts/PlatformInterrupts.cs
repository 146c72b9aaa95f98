using Hv.Drivers.Pci;
using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>
/// The interrupt controllers of a virtual machine of one processor, and the wires between them: 8259 pair, I/O APIC, local APIC.
/// It is also where messages of virtual devices go.
/// </summary>
/// <remarks>
/// Wiring: ISA IRQ 0 is global interrupt 2, the other ISA IRQs have their own numbers; both the 8259s and the I/O APIC see them. The
/// 8259's INTR goes to LINT0 of the local APIC and to pin 0 of the I/O APIC. Runs on the VM's processor.
/// </remarks>
public sealed class PlatformInterrupts : MessageSink
{
    /// <summary>The global system interrupt of the ISA timer interrupt, IRQ 0.</summary>
    public const int TimerGsi = 2;

    private const int IsaCount = 16;
    private const ulong MessageRange = 0xFEE0_0000;
    private const ulong MessageRangeMask = 0xFFFF_FFFF_FFF0_0000;
    private const ulong MessageLogical = 1ul << 2;
    private const uint MessageLevel = 1u << 15;

    private readonly byte[] _asserted = new byte[IoApic.PinCount];
    private readonly GsiLine[] _direct = new GsiLine[IoApic.PinCount];
    private bool _intr;

    /// <summary>Makes the controllers in their power-on state around <paramref name="localApic"/>.</summary>
    public PlatformInterrupts(LocalApic localApic)
    {
        LocalApic = localApic;
        IoApic = new IoApic(localApic);
        localApic.IoApic = IoApic;
        for (int i = 0; i < IoApic.PinCount; i++)
            _direct[i] = new GsiLine(this, i);
    }

    /// <summary>The processor's local APIC.</summary>
    public LocalApic LocalApic { get; }

    /// <summary>The I/O APIC.</summary>
    public IoApic IoApic { get; }

    /// <summary>The 8259 pair. Its ports are accessed through <see cref="ReadPicPort"/> and <see cref="WritePicPort"/>.</summary>
    public Pic8259 Pic { get; } = new();

    /// <summary>Whether the processor, if it takes interrupts, would take one now.</summary>
    public bool HasPendingInterrupt => TryGetVector(out _);

    /// <summary>Whether an NMI waits; the processor takes it with <see cref="LocalApic.AcknowledgeNmi"/>.</summary>
    public bool NmiPending => LocalApic.NmiPending;

    /// <summary>Nothing is in service or waits for an EOI: a commit to real controllers loses nothing.</summary>
    public bool IsIdle => LocalApic.IsIdle && IoApic.IsIdle && Pic.IsIdle;

    /// <summary>Makes a wire for one source of global system interrupt <paramref name="gsi"/> (0 to 23). While booting only.</summary>
    public GsiLine NewGsiLine(int gsi) => new(this, (uint)gsi < IoApic.PinCount ? gsi : 0);

    /// <summary>Makes a wire for one source of ISA interrupt <paramref name="irq"/> (0 to 15). While booting only.</summary>
    public GsiLine NewIsaLine(int irq) => NewGsiLine(irq == 0 ? TimerGsi : irq);

    /// <summary>Drives an ISA interrupt request line.</summary>
    public void SetIsaLine(int irq, bool level)
    {
        if ((uint)irq < IsaCount)
            SetGsi(irq == 0 ? TimerGsi : irq, level);
    }

    /// <summary>Drives a global system interrupt.</summary>
    public void SetGsi(int gsi, bool level)
    {
        if ((uint)gsi < IoApic.PinCount)
            _direct[gsi].Set(level);
    }

    /// <inheritdoc/>
    public override void Send(ulong address, uint data) => SendMessage(address, data);

    /// <summary>An interrupt message: a 32-bit write by a device to FEEx_xxxxh (Intel SDM vol. 3A, 10.11). Others are dropped.</summary>
    public void SendMessage(ulong address, uint data)
    {
        if ((address & MessageRangeMask) != MessageRange)
            return;
        LocalApic.Receive((DeliveryMode)(data >> 8 & 7), (byte)data, (data & MessageLevel) != 0,
            (uint)(address >> 12 & 0xFF), (address & MessageLogical) != 0);
    }

    /// <summary>
    /// The vector that the processor would take now if it takes interrupts: the local APIC's highest above the processor priority, else that of
    /// the 8259 if it reaches the processor.
    /// </summary>
    public bool TryGetVector(out byte vector)
    {
        if (LocalApic.TryGetVector(out vector))
            return true;
        if (!ExtIntPending)
            return false;
        vector = Pic.PeekVector();
        return true;
    }

    /// <summary>The processor takes the interrupt of <see cref="TryGetVector"/>: it goes into service. The spurious vector if there is none.</summary>
    public byte Acknowledge()
    {
        if (LocalApic.TryGetVector(out byte vector))
        {
            LocalApic.Take(vector);
            return vector;
        }
        if (!ExtIntPending)
            return LocalApic.SpuriousVector;
        vector = Pic.Acknowledge();
        PicChanged();
        return vector;
    }

    /// <summary>IN from a port of the 8259s or the ELCR.</summary>
    public uint ReadPicPort(ushort port)
    {
        uint value = Pic.ReadPort(port, 1);
        PicChanged();
        return value;
    }

    /// <summary>OUT to a port of the 8259s or the ELCR.</summary>
    public void WritePicPort(ushort port, uint value)
    {
        Pic.WritePort(port, 1, value);
        PicChanged();
    }

    /// <summary>Power-on state of all controllers. The levels of the wires stay.</summary>
    public void Reset()
    {
        LocalApic.Reset();
        IoApic.Reset();
        Pic.Reset();
        Rewire();
    }

    /// <summary>
    /// Takes over the state of the controllers of <paramref name="other"/>. The wires keep the levels of this machine's own devices.
    /// </summary>
    public void CopyFrom(PlatformInterrupts other)
    {
        LocalApic.CopyFrom(other.LocalApic);
        IoApic.CopyFrom(other.IoApic);
        Pic.CopyFrom(other.Pic);
        Rewire();
    }

    /// <summary>
    /// Reads the state of the real controllers; see the parts for what cannot be read. The wires keep the levels of the virtual devices.
    /// </summary>
    public void Capture(RealPlatform real)
    {
        LocalApic.Capture(real.Msrs, real.LocalApic);
        IoApic.Capture(real.IoApic);
        Pic.Capture(real.Ports);
        Rewire();
    }

    /// <summary>A source that shares <paramref name="gsi"/> changed its mind.</summary>
    internal void Drive(int gsi, bool level)
    {
        bool before = _asserted[gsi] != 0;
        _asserted[gsi] = (byte)(level ? _asserted[gsi] + 1 : _asserted[gsi] - 1);
        bool after = _asserted[gsi] != 0;
        if (before != after)
            Apply(gsi, after);
    }

    private bool ExtIntPending => Pic.Intr && (LocalApic.PassesExtInt || IoApic.PassesExtInt);

    private void Apply(int gsi, bool level)
    {
        IoApic.SetPin(gsi, level);
        int irq = gsi == TimerGsi ? 0 : gsi;
        if (irq < IsaCount && gsi != 0)
        {
            Pic.SetLine(irq, level);
            PicChanged();
        }
    }

    /// <summary>LINT0 in fixed or NMI mode hears the edges of INTR.</summary>
    private void PicChanged()
    {
        bool now = Pic.Intr;
        if (now && !_intr)
            LocalApic.RaiseLint0();
        _intr = now;
    }

    /// <summary>Tells the controllers what the wires carry, without making edges of it.</summary>
    private void Rewire()
    {
        _intr = Pic.Intr;
        for (int i = 0; i < IoApic.PinCount; i++)
        {
            bool level = _asserted[i] != 0;
            IoApic.SetPinSilently(i, level);
            int irq = i == TimerGsi ? 0 : i;
            if (irq < IsaCount && i != 0)
                Pic.SetLineSilently(irq, level);
        }
        IoApic.Service();
        PicChanged();
    }
}
