using Hv.Kernel.Io;

namespace Hv.Drivers.Pci.Host;

/// <summary>Configuration access through the memory-mapped window that the ACPI MCFG table names (PCIe 7.2.2).</summary>
public sealed class EcamPciHost : PciHost
{
    private readonly MmioDevice _window;
    private readonly int _firstBus;
    private readonly int _lastBus;

    /// <summary>
    /// <paramref name="window"/> starts with the space of <paramref name="firstBus"/> (MCFG gives the address that bus 0
    /// would have: add <c>firstBus &lt;&lt; 20</c>) and goes to <paramref name="lastBus"/> inclusive.
    /// </summary>
    public EcamPciHost(MmioDevice window, byte firstBus, byte lastBus)
    {
        _window = window;
        _firstBus = firstBus;
        _lastBus = lastBus;
    }

    /// <inheritdoc/>
    public override int ConfigSize => PciConfig.ExtendedSize;

    /// <inheritdoc/>
    public override uint Read(PciAddress function, int offset, int size) =>
        Reaches(function, offset) ? (uint)_window.ReadMmio(Offset(function, offset), size) : PortPciHost.AllOnes(size);

    /// <inheritdoc/>
    public override void Write(PciAddress function, int offset, int size, uint value)
    {
        if (Reaches(function, offset))
            _window.WriteMmio(Offset(function, offset), size, value);
    }

    private bool Reaches(PciAddress function, int offset) =>
        function.Bus >= _firstBus && function.Bus <= _lastBus && (uint)offset < PciConfig.ExtendedSize;

    private ulong Offset(PciAddress function, int offset) =>
        ((ulong)(uint)(function.Value - (_firstBus << 8)) << 12) | (uint)offset;
}
