using System;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Shadow.Machine;

/// <summary>
/// The ports of the primary that exit: PCI configuration (so that the virtual disk controller stands where the real one is), the
/// ports of the real disk controller, which are Hv's alone, and those of devices whose state cannot be read, which a model follows.
/// </summary>
public sealed class PrimaryPorts : PortDevice
{
    private const ushort LastDataPort = 0xCFF;
    private const uint Enable = 1u << 31;

    private readonly PortDevice _real;
    private readonly HotAddEvent _hotAdd;
    private PciAddress _hidden;
    private PciFunction? _standIn;
    private uint _address;
    private VirtualPlatform? _model;
    private TimeSource? _time;

    /// <summary>Passes everything on to <paramref name="real"/> until a function is replaced, but for the event <paramref name="hotAdd"/>.</summary>
    public PrimaryPorts(PortDevice real, HotAddEvent hotAdd)
    {
        _real = real;
        _hotAdd = hotAdd;
    }

    /// <summary>Lets <paramref name="standIn"/> answer in the place of the function at <paramref name="hidden"/>.</summary>
    public void Replace(PciAddress hidden, PciFunction standIn)
    {
        _hidden = hidden;
        _standIn = standIn;
    }

    /// <summary>A function that this system is not to find; null if there is none.</summary>
    public PciFunctionInfo? Absent;

    /// <summary>Who must know of a write to CMOS memory; null if nobody.</summary>
    public StartUps? StartUps;

    /// <summary>The functions whose places are told to the OS; null if there are none.</summary>
    public FixedPlaces? Places;

    /// <summary>What a write may ask of the machine itself.</summary>
    public PowerPorts Power = new(default);

    /// <summary>Lets <paramref name="model"/> follow what cannot be read back from the real devices (<see cref="VirtualPlatform.ObservedPorts"/>).</summary>
    public void Observe(VirtualPlatform model, TimeSource time)
    {
        _model = model;
        _time = time;
    }

    private static bool IsCmos(ushort port) => port is StartUps.CmosIndex or StartUps.CmosData;

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        if (VirtualPlatform.IsObserved(port))
            return ReadObserved(port, size);
        if (_hotAdd.Owns(port, size))
            return _hotAdd.ReadPort(port, size);
        if (IsCmos(port))
            return _real.ReadPort(port, size);
        if (port == PortPciHost.AddressPort && size == 4)
            return _address;
        if (Power.Owns(port))
            return Power.Read(port, size, _real.ReadPort(port, size));
        if (port < PortPciHost.AddressPort || port > LastDataPort)
            return uint.MaxValue;
        if (port < PortPciHost.DataPort)
            return _real.ReadPort(port, size);
        if (IsHidden)
            return _standIn!.ReadConfig(Offset(port), size);
        if (IsAbsent)
            return uint.MaxValue;
        if (Place is { } place && place.TryRead(Offset(port), Math.Min(size, 4 - (port & 3)), out uint value))
            return value;
        _real.WritePort(PortPciHost.AddressPort, 4, _address);
        return _real.ReadPort(port, size);
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        if (VirtualPlatform.IsObserved(port))
        {
            WriteObserved(port, size, value);
            return;
        }
        if (IsCmos(port))
        {
            // A word is one byte to each of the two ports.
            StartUps?.ObserveCmos(port, (byte)value);
            if (size > 1 && port == StartUps.CmosIndex)
                StartUps?.ObserveCmos(StartUps.CmosData, (byte)(value >> 8));
            _real.WritePort(port, size, value);
            return;
        }
        if (_hotAdd.Owns(port, size))
        {
            _hotAdd.WritePort(port, size, value);
            return;
        }
        if (port == PortPciHost.AddressPort && size == 4)
        {
            _address = value;
            return;
        }
        if (Power.Owns(port))
        {
            if (!Power.Offer(port, size, value))
                _real.WritePort(port, size, value);
            return;
        }
        if (port < PortPciHost.AddressPort || port > LastDataPort)
            return;
        if (port < PortPciHost.DataPort)
        {
            _real.WritePort(port, size, value);
            return;
        }
        if (IsHidden)
        {
            _standIn!.WriteConfig(Offset(port), size, value);
            return;
        }
        if (IsAbsent || Place is { } place && place.Drops(Offset(port)))
            return;
        _real.WritePort(PortPciHost.AddressPort, 4, _address);
        _real.WritePort(port, size, value);
    }

    // 8-bit devices: a wider access is one to each port in turn.
    private uint ReadObserved(ushort port, int size)
    {
        uint value = 0;
        _model!.Clock.Now = _time!.Nanoseconds;
        for (int i = 0; i < size; i++)
        {
            ushort at = (ushort)(port + i);
            value |= (_real.ReadPort(at, 1) & 0xFF) << (8 * i);
            if (VirtualPlatform.IsObserved(at))
                _model.ObserveRead(at);
        }
        return value;
    }

    private void WriteObserved(ushort port, int size, uint value)
    {
        _model!.Clock.Now = _time!.Nanoseconds;
        for (int i = 0; i < size; i++)
        {
            ushort at = (ushort)(port + i);
            byte part = (byte)(value >> (8 * i));
            // The model first: the write may reset the machine.
            if (VirtualPlatform.IsObserved(at))
                _model.ObserveWrite(at, part);
            if (!Power.Owns(at) || !Power.Offer(at, 1, part))
                _real.WritePort(at, 1, part);
        }
    }

    private bool IsHidden => _standIn != null && (_address & Enable) != 0 && (ushort)(_address >> 8) == _hidden.Value;

    private bool IsAbsent => Absent != null && (_address & Enable) != 0 && (ushort)(_address >> 8) == Absent.Address.Value;

    private FixedPlace? Place => (_address & Enable) != 0 ? Places?.Find((ushort)(_address >> 8)) : null;

    private int Offset(ushort port) => (int)(_address & 0xFC) + (port - PortPciHost.DataPort);
}
