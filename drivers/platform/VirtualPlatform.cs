using System;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Platform;

/// <summary>
/// All platform devices of a virtual machine: interrupt controllers, timers, legacy devices, ACPI, PCI configuration space; and the
/// ports and addresses at which they are.
/// </summary>
/// <remarks>
/// Used by any processor, one at a time. The loop of a virtual processor, after each exit: sets the clock, calls <see cref="Advance"/>, looks at
/// <see cref="Reset"/>, takes interrupts from <see cref="Interrupts"/>, and wakes those that it says. Everything is allocated by the constructor.
/// </remarks>
public sealed class VirtualPlatform : PortDevice
{
    private const ulong IoApicBytes = 0x1000;
    private const int IsaRtcIrq = 8, IsaSerialIrq = 4, IsaKeyboardIrq = 1, IsaMouseIrq = 12;
    private const ushort DelayPort = 0x80, DelayPortAlternative = 0xED;

    private readonly PlatformConfiguration _configuration;

    /// <summary>Makes the platform in its power-on state.</summary>
    public VirtualPlatform(VirtualClock clock, PlatformConfiguration configuration)
    {
        _configuration = configuration;
        Clock = clock;
        var apics = new LocalApic[Math.Min(configuration.ApicIds.Length, PlatformConfiguration.MaxProcessors)];
        for (int i = 0; i < apics.Length; i++)
        {
            apics[i] = new LocalApic(clock, configuration.ApicIds[i], configuration.ApicBusHertz, configuration.TscHertz,
                configuration.HasX2Apic, configuration.HasTscDeadline, isBootstrap: i == 0);
        }
        Interrupts = new PlatformInterrupts(apics);
        GsiLine timerLine = Interrupts.NewIsaLine(0);
        GsiLine rtcLine = Interrupts.NewIsaLine(IsaRtcIrq);
        Pit = new Pit8254(clock, timerLine);
        Rtc = new Rtc(clock, rtcLine);
        Hpet = new Hpet(clock, Interrupts, timerLine, rtcLine);
        Keyboard = new I8042(Interrupts.NewIsaLine(IsaKeyboardIrq), Interrupts.NewIsaLine(IsaMouseIrq), Latch);
        Serial = new Uart16550(Uart16550.Com1, Interrupts.NewIsaLine(IsaSerialIrq), Log);
        ResetPorts = new ResetPorts(Latch);
        Acpi = new AcpiPm(clock, configuration.Acpi, Interrupts.NewGsiLine(configuration.Acpi.SciGsi), Latch);
        // The wires have found their first levels: no edges are to come of that.
        Interrupts.Reset();
    }

    /// <summary>The time that the devices see.</summary>
    public VirtualClock Clock { get; }

    /// <summary>The interrupt controllers, and where interrupts of further devices go.</summary>
    public PlatformInterrupts Interrupts { get; }

    /// <summary>The 8254 and port 61h.</summary>
    public Pit8254 Pit { get; }

    /// <summary>Real-time clock and CMOS memory.</summary>
    public Rtc Rtc { get; }

    /// <summary>The HPET.</summary>
    public Hpet Hpet { get; }

    /// <summary>The keyboard controller.</summary>
    public I8042 Keyboard { get; }

    /// <summary>COM1.</summary>
    public Uart16550 Serial { get; }

    /// <summary>What the guest has sent to COM1.</summary>
    public SerialLog Log { get; } = new();

    /// <summary>Ports CF9h and 92h.</summary>
    public ResetPorts ResetPorts { get; }

    /// <summary>ACPI fixed hardware.</summary>
    public AcpiPm Acpi { get; }

    /// <summary>PCI configuration space; functions are added to it while booting.</summary>
    public PciConfigSpace Pci { get; } = new();

    /// <summary>Where a wish to reset or switch off is left.</summary>
    public ResetLatch Latch { get; } = new();

    /// <summary>What the guest has asked for; <see cref="ResetLatch.Clear"/> it when done.</summary>
    public ResetRequest ResetRequest => Latch.Request;

    /// <summary>Accesses to ports that nothing is behind, other than the customary delay ports.</summary>
    public ulong UnknownPortAccesses { get; private set; }

    /// <summary>When a device wants <see cref="Advance"/> to be called next, ns; in the past if it is due; VirtualClock.Never.</summary>
    public ulong NextEvent => Math.Min(Interrupts.NextEvent, NextSharedEvent);

    /// <summary>As <see cref="NextEvent"/>, of all devices but the local APICs, which have their own.</summary>
    public ulong NextSharedEvent
    {
        get
        {
            ulong next = Pit.NextEvent;
            next = Math.Min(next, Rtc.NextEvent);
            next = Math.Min(next, Hpet.NextEvent);
            return Math.Min(next, Acpi.NextEvent);
        }
    }

    /// <summary>No interrupt is in service or waits for an EOI: the state can be committed without loss.</summary>
    public bool IsIdle => Interrupts.IsIdle;

    /// <summary>Runs every timer that is due at the clock's time.</summary>
    public void Advance()
    {
        Interrupts.EndCapture();
        if (Interrupts.NextEvent <= Clock.Now)
        {
            for (int i = 0; i < Interrupts.ProcessorCount; i++)
                Interrupts.LocalApics[i].Advance();
        }
        if (NextSharedEvent > Clock.Now)
            return;
        Pit.Advance();
        Rtc.Advance();
        Hpet.Advance();
        Acpi.Advance();
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        uint ones = size >= 4 ? uint.MaxValue : (1u << (8 * size)) - 1;
        if (IsPci(port, size))
            return Pci.ReadPort(port, size) & ones;
        if (port != ResetPorts.ResetControl && Acpi.Owns(port))
            return Acpi.ReadPort(port, size) & ones;
        // The rest are 8-bit devices: a wider access is one to each port in turn.
        uint value = 0;
        for (int i = 0; i < size; i++)
            value |= (ReadByte((ushort)(port + i)) & 0xFF) << (8 * i);
        return value;
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        if (IsPci(port, size))
        {
            Pci.WritePort(port, size, value);
            return;
        }
        if (port != ResetPorts.ResetControl && Acpi.Owns(port))
        {
            Acpi.WritePort(port, size, value);
            return;
        }
        for (int i = 0; i < size; i++)
            WriteByte((ushort)(port + i), (byte)(value >> (8 * i)));
    }

    /// <summary>
    /// Finds the device whose registers are at guest-physical <paramref name="address"/> of processor <paramref name="processor"/>, and the byte offset in
    /// them.
    /// </summary>
    public bool TryFindMmio(GuestPhysical address, int processor, out MmioDevice? device, out ulong offset)
    {
        LocalApic apic = Interrupts.LocalApics[processor];
        if (apic.AnswersMmio && Within(address, apic.PageAddress, PageSize.Small, out offset))
            device = apic;
        else if (Within(address, _configuration.IoApicAddress, IoApicBytes, out offset))
            device = Interrupts.IoApic;
        else if (_configuration.HpetAddress != 0 && Within(address, _configuration.HpetAddress, Hpet.Size, out offset))
            device = Hpet;
        else if (_configuration.EcamAddress != 0
            && Within(address, _configuration.EcamAddress, PciConfigSpace.EcamBytes(_configuration.EcamBuses), out offset))
            device = Pci;
        else
            return Pci.TryFindMmio(address, out device, out offset);
        return true;
    }

    /// <summary>Power-on state of everything but time of day, CMOS memory, PM timer, serial log, and virtual PCI functions (their owners' own).</summary>
    public void Reset()
    {
        Pit.Reset();
        Rtc.Reset();
        Hpet.Reset();
        Keyboard.Reset();
        Serial.Reset();
        ResetPorts.Reset();
        Acpi.Reset();
        Pci.Reset();
        Interrupts.Reset();
        Latch.Clear();
    }

    /// <summary>
    /// Takes over the state of all devices of <paramref name="other"/>, whose clock must have the same zero: how a boot snapshot is restored. Timers
    /// went on in the meantime.
    /// </summary>
    public void CopyFrom(VirtualPlatform other)
    {
        Pit.CopyFrom(other.Pit);
        Rtc.CopyFrom(other.Rtc);
        Hpet.CopyFrom(other.Hpet);
        Keyboard.CopyFrom(other.Keyboard);
        Serial.CopyFrom(other.Serial);
        ResetPorts.CopyFrom(other.ResetPorts);
        Acpi.CopyFrom(other.Acpi);
        Pci.CopyFrom(other.Pci);
        // Last: the wires have their new levels, and the controllers make nothing of how they got them.
        Interrupts.CopyFrom(other.Interrupts);
        Latch.Clear();
    }

    /// <summary>
    /// Sets what cannot be read from the real devices to what UEFI firmware usually leaves. Before <see cref="Capture"/>, for a boot snapshot.
    /// </summary>
    public void AssumeFirmware()
    {
        Interrupts.Pic.AssumeFirmware();
        Pit.AssumeFirmware();
    }

    /// <summary>
    /// Reads the state of all real devices that processors share, other than bridges (see <see cref="PciBridgeFunction.Capture"/>): all but the local
    /// APICs. Interrupts must be off on this processor.
    /// </summary>
    public void Capture(RealPlatform real)
    {
        Interrupts.BeginCapture();
        Keyboard.Capture(real.Ports);
        CaptureReadable(real, real.Ports);
    }

    /// <summary>
    /// As <see cref="Capture"/>, for a copy of a system that goes on running with the real devices: nothing is taken away from it. What cannot be read so
    /// stays as it is: known from <see cref="ObserveWrite"/>. <paramref name="configuration"/> has the PCI configuration address port as that system sees it.
    /// </summary>
    public void CaptureRunning(RealPlatform real, PortDevice configuration)
    {
        Interrupts.BeginCapture();
        CaptureReadable(real, configuration);
        Serial.FinishSending();
    }

    /// <summary>
    /// Reads the state of the real local APIC of the processor this runs on, which is number <paramref name="processor"/>; before <see cref="Capture"/>
    /// or after it, in either case before the next <see cref="Advance"/>. Whether the processor waits for start-up is not known from there.
    /// </summary>
    public void CaptureLocal(int processor, RealPlatform real) => Interrupts.CaptureLocal(processor, real);

    private void CaptureReadable(RealPlatform real, PortDevice configuration)
    {
        Pit.Capture(real.Ports);
        Rtc.Capture(real.Ports);
        if (real.Hpet != null)
            Hpet.Capture(real.Hpet);
        Serial.Capture(real.Ports);
        Acpi.Capture(real.Ports);
        Pci.Capture(configuration);
        Interrupts.Capture(real);
    }

    /// <summary>
    /// Ports whose state cannot be read back, so that a system's accesses to the real devices behind them are shown to a model: 8259 pair, counter 0 and
    /// control of the 8254 (counter 2 is polled, and its state is not needed), keyboard controller.
    /// </summary>
    public static ReadOnlySpan<byte> ObservedPorts =>
    [
        (byte)Pic8259.MasterCommand, (byte)Pic8259.MasterData, (byte)Pic8259.SlaveCommand, (byte)Pic8259.SlaveData,
        (byte)Pit8254.Channel0, (byte)Pit8254.Control, (byte)I8042.DataPort, (byte)I8042.CommandPort,
    ];

    /// <summary>Whether a port is one of <see cref="ObservedPorts"/>.</summary>
    public static bool IsObserved(ushort port) => port is Pic8259.MasterCommand or Pic8259.MasterData or Pic8259.SlaveCommand or Pic8259.SlaveData
        or Pit8254.Channel0 or Pit8254.Control or I8042.DataPort or I8042.CommandPort;

    /// <summary>A system has written to one of <see cref="ObservedPorts"/> of the real device: this model follows. The clock is up to date.</summary>
    public void ObserveWrite(ushort port, byte value)
    {
        switch (port)
        {
            case Pit8254.Channel0:
            case Pit8254.Control:
                Pit.WritePort(port, 1, value);
                break;
            case I8042.DataPort:
            case I8042.CommandPort:
                Keyboard.WritePort(port, 1, value);
                // The real one gives the answers.
                Keyboard.DropData();
                break;
            default:
                Interrupts.Pic.WritePort(port, 1, value);
                break;
        }
    }

    /// <summary>A system has read from one of <see cref="ObservedPorts"/> of the real device: this model follows, where reading changes something.</summary>
    public void ObserveRead(ushort port)
    {
        if (port == Pit8254.Channel0)
            Pit.ReadPort(port, 1);
        else if (port is not (I8042.DataPort or I8042.CommandPort or Pit8254.Control))
            Interrupts.Pic.ReadPort(port, 1);
    }

    /// <summary>
    /// Makes the real devices, other than bridges, be in the state of these: all but local APICs and I/O APIC, whose pins are masked. Then come
    /// <see cref="CommitLocal"/> on each processor and <see cref="EndCommit"/>. Interrupts must be off on all processors, <see cref="IsIdle"/> must hold.
    /// </summary>
    public void BeginCommit(RealPlatform real)
    {
        // What is due becomes a request now, and is raised again with the others.
        Advance();
        // All roads to the processors are closed while the sources change, so that no edge of it is heard.
        IoApic.MaskReal(real.IoApic);
        real.Ports.WritePort(Pic8259.MasterData, 1, 0xFF);
        real.Ports.WritePort(Pic8259.SlaveData, 1, 0xFF);
        Pit.Commit(real.Ports);
        Rtc.Commit(real.Ports);
        if (real.Hpet != null)
            Hpet.Commit(real.Hpet);
        Keyboard.Commit(real.Ports);
        Serial.Commit(real.Ports);
        Acpi.Commit(real.Ports);
        Pci.Commit(real.Ports);
        Interrupts.Pic.Commit(real.Ports);
    }

    /// <summary>
    /// The part of a commit that runs on each processor: its real local APIC gets the state of number <paramref name="processor"/>. It must have no requests
    /// left (<see cref="Hv.Kernel.Processor.LocalApicAccess.HasRequests"/>).
    /// </summary>
    public void CommitLocal(int processor, RealPlatform real) => Interrupts.LocalApics[processor].Commit(real.Msrs, real.LocalApic);

    /// <summary>The end of a commit: the I/O APIC, whose level-triggered interrupts find the local APICs ready.</summary>
    public void EndCommit(RealPlatform real) => Interrupts.IoApic.Commit(real.IoApic);

    private static bool IsPci(ushort port, int size) => port is >= PciConfigSpace.DataPort and < PciConfigSpace.DataPort + 4
        || (port == PciConfigSpace.AddressPort && size == 4);

    private static bool Within(GuestPhysical address, ulong start, ulong bytes, out ulong offset)
    {
        offset = address.Value - start;
        return offset < bytes;
    }

    /// <summary>The 8-bit device at a port; null if there is none. The 8259s are not among them.</summary>
    private PortDevice? Find(ushort port)
    {
        switch (port)
        {
            case >= Pit8254.Channel0 and <= Pit8254.Control:
            case Pit8254.SystemControl:
                return Pit;
            case I8042.DataPort:
            case I8042.CommandPort:
                return Keyboard;
            case >= Rtc.IndexPort and <= Rtc.UpperDataPort:
                return Rtc;
            case ResetPorts.SystemControlA:
            case ResetPorts.ResetControl:
                return ResetPorts;
            case >= Uart16550.Com1 and < Uart16550.Com1 + Uart16550.PortCount:
                return Serial;
            default:
                return Acpi.Owns(port) ? Acpi : null;
        }
    }

    private static bool IsPic(ushort port) => port is Pic8259.MasterCommand or Pic8259.MasterData or Pic8259.SlaveCommand or Pic8259.SlaveData
        or Pic8259.MasterElcr or Pic8259.SlaveElcr;

    private uint ReadByte(ushort port)
    {
        if (IsPic(port))
            return Interrupts.ReadPicPort(port);
        PortDevice? device = Find(port);
        if (device != null)
            return device.ReadPort(port, 1);
        CountUnknown(port);
        return 0xFF;
    }

    private void WriteByte(ushort port, byte value)
    {
        if (IsPic(port))
        {
            Interrupts.WritePicPort(port, value);
            return;
        }
        PortDevice? device = Find(port);
        if (device != null)
            device.WritePort(port, 1, value);
        else
            CountUnknown(port);
    }

    private void CountUnknown(ushort port)
    {
        if (port is not (DelayPort or DelayPortAlternative))
            UnknownPortAccesses++;
    }
}
