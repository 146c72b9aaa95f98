namespace Hv.Drivers.Pci.Host;

/// <summary>A base address register: where a function's registers are.</summary>
public readonly struct PciBaseAddress
{
    /// <summary>What it decodes.</summary>
    public readonly PciBaseAddressKind Kind;
    /// <summary>Whether reads have no side effects.</summary>
    public readonly bool IsPrefetchable;
    /// <summary>Host-physical address or I/O port; 0 if firmware has not assigned any.</summary>
    public readonly ulong Address;
    /// <summary>Size in bytes, a power of two; 0 if it was not asked for.</summary>
    public readonly ulong Size;

    /// <summary>Holds what <see cref="PciBaseAddressReader"/> found.</summary>
    public PciBaseAddress(PciBaseAddressKind kind, bool isPrefetchable, ulong address, ulong size)
    {
        Kind = kind;
        IsPrefetchable = isPrefetchable;
        Address = address;
        Size = size;
    }

    /// <summary>Whether it decodes memory.</summary>
    public bool IsMemory => Kind == PciBaseAddressKind.Memory32 || Kind == PciBaseAddressKind.Memory64;
}
