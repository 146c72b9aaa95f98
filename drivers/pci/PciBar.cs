using Hv.Kernel.Io;

namespace Hv.Drivers.Pci;

/// <summary>One memory range of a virtual function: hands each access on to the function that owns it.</summary>
public sealed class PciBar : MmioDevice
{
    private readonly VirtualPciFunction _owner;
    private readonly int _index;

    /// <summary>The length in bytes, a power of two.</summary>
    public readonly ulong Size;

    internal PciBar(VirtualPciFunction owner, int index, ulong size)
    {
        _owner = owner;
        _index = index;
        Size = size;
    }

    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size) => _owner.ReadBar(_index, offset, size);

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value) => _owner.WriteBar(_index, offset, size, value);
}
