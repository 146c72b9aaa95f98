using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel.Io;

namespace Hv.Shadow.Machine;

/// <summary>
/// The ports of the primary that exit: PCI configuration (so that the virtual disk controller stands where the real one is) and the
/// ports of the real disk controller, which are Hv's alone.
/// </summary>
public sealed class PrimaryPorts : PortDevice
{
    private const ushort LastDataPort = 0xCFF;
    private const uint Enable = 1u << 31;

    private readonly PortDevice _real;
    private PciAddress _hidden;
    private PciFunction? _standIn;
    private uint _address;

    /// <summary>Passes everything on to <paramref name="real"/> until a function is replaced.</summary>
    public PrimaryPorts(PortDevice real) => _real = real;

    /// <summary>Lets <paramref name="standIn"/> answer in the place of the function at <paramref name="hidden"/>.</summary>
    public void Replace(PciAddress hidden, PciFunction standIn)
    {
        _hidden = hidden;
        _standIn = standIn;
    }

    /// <inheritdoc/>
    public override uint ReadPort(ushort port, int size)
    {
        if (port == PortPciHost.AddressPort && size == 4)
            return _address;
        if (port < PortPciHost.AddressPort || port > LastDataPort)
            return uint.MaxValue;
        if (port < PortPciHost.DataPort)
            return _real.ReadPort(port, size);
        if (IsHidden)
            return _standIn!.ReadConfig(Offset(port), size);
        _real.WritePort(PortPciHost.AddressPort, 4, _address);
        return _real.ReadPort(port, size);
    }

    /// <inheritdoc/>
    public override void WritePort(ushort port, int size, uint value)
    {
        if (port == PortPciHost.AddressPort && size == 4)
        {
            _address = value;
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
        _real.WritePort(PortPciHost.AddressPort, 4, _address);
        _real.WritePort(port, size, value);
    }

    private bool IsHidden => _standIn != null && (_address & Enable) != 0 && (ushort)(_address >> 8) == _hidden.Value;

    private int Offset(ushort port) => (int)(_address & 0xFC) + (port - PortPciHost.DataPort);
}
