namespace Hv.Drivers.Pci.Host;

/// <summary>What a base address register decodes.</summary>
public enum PciBaseAddressKind : byte
{
    /// <summary>Nothing: not implemented, or the upper half of the 64-bit BAR before it.</summary>
    None = 0,
    /// <summary>I/O ports.</summary>
    Io,
    /// <summary>Memory below 4 GiB.</summary>
    Memory32,
    /// <summary>Memory anywhere; the next BAR is the upper half.</summary>
    Memory64,
}
