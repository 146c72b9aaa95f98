using Hv.Kernel.Io;

namespace Hv.Drivers.Pci.Host;

/// <summary>Configuration access by the ports CF8h and CFCh (PCI 3.0, 3.2.2.3.2).</summary>
/// <remarks>
/// A guest to which the ports are passed through may be stopped between its write of the address and its access to the
/// data: each access here leaves the address register as it found it.
/// </remarks>
public sealed class PortPciHost : PciHost
{
    /// <summary>The address register, 32 bits.</summary>
    public const ushort AddressPort = 0xCF8;
    /// <summary>The data register, 32 bits, in any part of which the width counts.</summary>
    public const ushort DataPort = 0xCFC;

    private const uint Enable = 1u << 31;

    private readonly PortDevice _ports;

    /// <summary>Uses the ports CF8h to CFFh of <paramref name="ports"/>.</summary>
    public PortPciHost(PortDevice ports) => _ports = ports;

    /// <inheritdoc/>
    public override int ConfigSize => PciConfig.Size;

    /// <inheritdoc/>
    public override uint Read(PciAddress function, int offset, int size)
    {
        if ((uint)offset >= PciConfig.Size)
            return AllOnes(size);
        uint found = Select(function, offset);
        uint value = _ports.ReadPort((ushort)(DataPort + (offset & 3)), size);
        _ports.WritePort(AddressPort, 4, found);
        return value;
    }

    /// <inheritdoc/>
    public override void Write(PciAddress function, int offset, int size, uint value)
    {
        if ((uint)offset >= PciConfig.Size)
            return;
        uint found = Select(function, offset);
        _ports.WritePort((ushort)(DataPort + (offset & 3)), size, value);
        _ports.WritePort(AddressPort, 4, found);
    }

    internal static uint AllOnes(int size) => size == 4 ? uint.MaxValue : (1u << (size * 8)) - 1;

    private uint Select(PciAddress function, int offset)
    {
        uint found = _ports.ReadPort(AddressPort, 4);
        _ports.WritePort(AddressPort, 4, Enable | ((uint)function.Value << 8) | (uint)(offset & ~3));
        return found;
    }
}
