using Hv.Drivers.Pci;
using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>
/// The interrupt controllers of a virtual machine, and the wires between them: 8259 pair, I/O APIC, a local APIC for each processor.
/// It is also where messages of virtual devices go.
/// </summary>
/// <remarks>
/// Wiring: ISA IRQ 0 is global interrupt 2, the other ISA IRQs have their own numbers; both the 8259s and the I/O APIC see them. The
/// 8259's INTR goes to LINT0 of the local APICs and to pin 0 of the I/O APIC. Any processor may use it for any, one at a time: it has no locks.
/// </remarks>
public sealed class PlatformInterrupts : MessageSink
{
    /// <summary>The global system interrupt of the ISA timer interrupt, IRQ 0.</summary>
    public const int TimerGsi = 2;

    private const int IsaCount = 16;
    private const ulong MessageRange = 0xFEE0_0000;
    private const ulong MessageRangeMask = 0xFFFF_FFFF_FFF0_0000;
    private const ulong MessageLogical = 1ul << 2;
    private const uint MessageLevel = 1u << 15, MessageAssert = 1u << 14;

    private readonly byte[] _asserted = new byte[IoApic.PinCount];
    private readonly GsiLine[] _direct = new GsiLine[IoApic.PinCount];
    private readonly ApicBus _bus;
    private CapturePhase _phase;
    private ulong _captured;
    private ulong _extIntTold;
    private uint _heldEdges;
    private bool _intr;

    /// <summary>Makes the controllers in their power-on state around <paramref name="localApics"/>, the bootstrap processor's first.</summary>
    public PlatformInterrupts(LocalApic[] localApics)
    {
        LocalApics = localApics;
        _bus = new ApicBus(localApics);
        IoApic = new IoApic(_bus);
        _bus.IoApic = IoApic;
        for (int i = 0; i < IoApic.PinCount; i++)
            _direct[i] = new GsiLine(this, i);
    }

    /// <summary>Each processor's local APIC.</summary>
    public LocalApic[] LocalApics { get; }

    /// <summary>How many processors there are.</summary>
    public int ProcessorCount => LocalApics.Length;

    /// <summary>The bootstrap processor's local APIC.</summary>
    public LocalApic LocalApic => LocalApics[0];

    /// <summary>The I/O APIC.</summary>
    public IoApic IoApic { get; }

    /// <summary>The 8259 pair. Its ports are accessed through <see cref="ReadPicPort"/> and <see cref="WritePicPort"/>.</summary>
    public Pic8259 Pic { get; } = new();

    /// <summary>Nothing is in service anywhere or waits for an EOI: a commit to real controllers loses nothing.</summary>
    public bool IsIdle
    {
        get
        {
            for (int i = 0; i < LocalApics.Length; i++)
            {
                if (!LocalApics[i].IsIdle)
                    return false;
            }
            return IoApic.IsIdle && Pic.IsIdle;
        }
    }

    /// <summary>When the first of the local APICs' timers expires, ns.</summary>
    internal ulong NextEvent
    {
        get
        {
            ulong next = LocalApics[0].NextEvent;
            for (int i = 1; i < LocalApics.Length; i++)
                next = System.Math.Min(next, LocalApics[i].NextEvent);
            return next;
        }
    }

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
        var mode = (DeliveryMode)(data >> 8 & 7);
        if (mode == DeliveryMode.Init && (data & (MessageLevel | MessageAssert)) == MessageLevel)
            return;
        _bus.Send(mode, (byte)data, (data & MessageLevel) != 0, (uint)(address >> 12 & 0xFF), (address & MessageLogical) != 0);
    }

    /// <summary>Whether processor <paramref name="processor"/>, if it takes interrupts, would take one now.</summary>
    public bool HasPendingInterrupt(int processor) => TryGetVector(processor, out _);

    /// <summary>
    /// The vector that a processor would take now if it takes interrupts: its local APIC's highest above the processor priority, else that of
    /// the 8259 if it reaches the processor.
    /// </summary>
    public bool TryGetVector(int processor, out byte vector)
    {
        EndCapture();
        if (LocalApics[processor].TryGetVector(out vector))
            return true;
        if (!ExtIntPending(processor))
            return false;
        vector = Pic.PeekVector();
        return true;
    }

    /// <summary>A processor takes the interrupt of <see cref="TryGetVector"/>: it goes into service. The spurious vector if there is none.</summary>
    public byte Acknowledge(int processor)
    {
        EndCapture();
        LocalApic apic = LocalApics[processor];
        if (apic.TryGetVector(out byte vector))
        {
            apic.Take(vector);
            return vector;
        }
        if (!ExtIntPending(processor))
            return apic.SpuriousVector;
        vector = Pic.Acknowledge();
        _extIntTold = 0;
        PicChanged();
        return vector;
    }

    /// <summary>Whether an NMI waits for a processor; it takes it with <see cref="AcknowledgeNmi"/>.</summary>
    public bool HasPendingNmi(int processor) => LocalApics[processor].NmiPending;

    /// <summary>A processor has taken its NMI.</summary>
    public void AcknowledgeNmi(int processor) => LocalApics[processor].AcknowledgeNmi();

    /// <summary>See <see cref="LocalApic.TakeInit"/>.</summary>
    public bool TakeInit(int processor) => LocalApics[processor].TakeInit();

    /// <summary>See <see cref="LocalApic.TakeStartUp"/>.</summary>
    public bool TakeStartUp(int processor, out byte vector) => LocalApics[processor].TakeStartUp(out vector);

    /// <summary>Lets all processors but the first wait for a start-up message, as they do after power-on.</summary>
    public void ParkOthers()
    {
        for (int i = 1; i < LocalApics.Length; i++)
            LocalApics[i].Park();
    }

    /// <summary>
    /// The processors that have got something new to look at since this was asked last, bit k for processor k: a fixed interrupt, NMI, INIT, start-up, or the
    /// 8259's request. Never too few; some may find nothing.
    /// </summary>
    public ulong TakeWanted()
    {
        EndCapture();
        ulong extInt = ExtIntReach();
        ulong wanted = _bus.Wanted | (extInt & ~_extIntTold);
        _extIntTold = extInt;
        _bus.Wanted = 0;
        return wanted;
    }

    /// <summary>Sets what the guest's TSC is at time 0 of the clock, at all processors.</summary>
    public void SetTscBase(ulong ticks)
    {
        for (int i = 0; i < LocalApics.Length; i++)
            LocalApics[i].TscBase = ticks;
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

    /// <summary>
    /// Power-on state of all controllers, but that no processor waits for a start-up message (see <see cref="ParkOthers"/>). The levels of the wires stay.
    /// </summary>
    public void Reset()
    {
        for (int i = 0; i < LocalApics.Length; i++)
            LocalApics[i].Reset();
        IoApic.Reset();
        Pic.Reset();
        _bus.Wanted = 0;
        _heldEdges = 0;
        Rewire();
    }

    /// <summary>
    /// Takes over the state of the controllers of <paramref name="other"/>, which has as many processors. The wires keep the levels of this machine's own
    /// devices. Afterwards every processor has something new.
    /// </summary>
    public void CopyFrom(PlatformInterrupts other)
    {
        for (int i = 0; i < LocalApics.Length && i < other.LocalApics.Length; i++)
            LocalApics[i].CopyFrom(other.LocalApics[i]);
        IoApic.CopyFrom(other.IoApic);
        Pic.CopyFrom(other.Pic);
        _bus.Wanted = _bus.All;
        _heldEdges = other._heldEdges;
        Rewire();
    }

    /// <summary>
    /// The devices are about to be captured: what their wires do on the way to the new levels is nothing that anybody is to hear. Until
    /// <see cref="Capture"/>.
    /// </summary>
    internal void BeginCapture()
    {
        _phase = CapturePhase.Devices;
        _heldEdges = 0;
    }

    /// <summary>
    /// Reads the state of the real controllers that the processors share; see the parts for what cannot be read. The wires keep the levels of the virtual
    /// devices. Interrupts wait until the local APICs have been captured, too, or one looks for interrupts.
    /// </summary>
    internal void Capture(RealPlatform real)
    {
        IoApic.Capture(real.IoApic);
        Pic.Capture(real.Ports);
        SetWires();
        _phase = CapturePhase.LocalApics;
        EndCaptureIfWhole();
    }

    /// <summary>Reads the state of the real local APIC of the processor this runs on, before <see cref="Capture"/> or after it.</summary>
    internal void CaptureLocal(int processor, RealPlatform real)
    {
        LocalApics[processor].Capture(real.Msrs, real.LocalApic);
        _bus.Want(processor);
        _captured |= 1ul << processor;
        EndCaptureIfWhole();
    }

    /// <summary>If a capture is under way, no local APIC is going to be captured any more: what has waited for them is sent.</summary>
    internal void EndCapture()
    {
        if (_phase == CapturePhase.LocalApics)
            SendHeld();
        _captured = 0;
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

    private bool ExtIntPending(int processor)
    {
        LocalApic apic = LocalApics[processor];
        return Pic.Intr && !apic.WaitsForStartUp && (apic.PassesExtInt || IoApic.PassesExtInt(apic));
    }

    /// <summary>The processors that the 8259's request reaches, as a set.</summary>
    private ulong ExtIntReach()
    {
        ulong reach = 0;
        if (Pic.Intr)
        {
            for (int i = 0; i < LocalApics.Length; i++)
                reach |= ExtIntPending(i) ? 1ul << i : 0;
        }
        return reach;
    }

    private void Apply(int gsi, bool level)
    {
        if (_phase == CapturePhase.Devices)
            return;
        if (_phase == CapturePhase.LocalApics)
        {
            IoApic.SetPinSilently(gsi, level);
            _heldEdges |= level ? 1u << gsi : 0;
        }
        else
        {
            IoApic.SetPin(gsi, level);
        }
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
        if (_phase != CapturePhase.None)
            return;
        bool now = Pic.Intr;
        if (now && !_intr)
        {
            _extIntTold = 0;
            for (int i = 0; i < LocalApics.Length; i++)
                LocalApics[i].RaiseLint0();
        }
        _intr = now;
    }

    /// <summary>Tells the controllers what the wires carry, without making edges of it, and lets them send what follows from it.</summary>
    private void Rewire()
    {
        SetWires();
        SendHeld();
    }

    private void SetWires()
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
    }

    private void EndCaptureIfWhole()
    {
        if (_phase == CapturePhase.LocalApics && _captured == _bus.All)
            SendHeld();
    }

    private void SendHeld()
    {
        _phase = CapturePhase.None;
        _captured = 0;
        _extIntTold = 0;
        for (int i = 0; i < IoApic.PinCount; i++)
        {
            if ((_heldEdges >> i & 1) == 0)
                continue;
            IoApic.SetPinSilently(i, false);
            IoApic.SetPin(i, true);
            IoApic.SetPin(i, _asserted[i] != 0);
        }
        _heldEdges = 0;
        IoApic.Service();
        PicChanged();
    }
}
