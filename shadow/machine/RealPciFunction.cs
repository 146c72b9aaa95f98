using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;

namespace Hv.Shadow.Machine;

/// <summary>The configuration space of a function of the real machine.</summary>
public sealed class RealPciFunction : PciFunction
{
    private readonly PciHost _host;
    private readonly PciAddress _address;

    /// <summary>The function at <paramref name="address"/>.</summary>
    public RealPciFunction(PciHost host, PciAddress address)
    {
        _host = host;
        _address = address;
    }

    /// <inheritdoc/>
    public override uint ReadConfig(int offset, int size) => _host.Read(_address, offset, size);

    /// <inheritdoc/>
    public override void WriteConfig(int offset, int size, uint value) => _host.Write(_address, offset, size, value);
}
