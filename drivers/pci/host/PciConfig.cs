namespace Hv.Drivers.Pci.Host;

/// <summary>What access to real configuration space needs beyond <see cref="PciRegister"/> (PCI Local Bus 3.0, chapter 6; PCI Express Base 4.0, 7.5).</summary>
public static class PciConfig
{
    /// <summary>Bytes of conventional configuration space.</summary>
    public const int Size = 256;
    /// <summary>Bytes of configuration space of a PCI Express function.</summary>
    public const int ExtendedSize = 4096;
    /// <summary>Revision in bits 7:0, then programming interface, subclass, base class: one double word.</summary>
    public const int ClassRevision = PciRegister.RevisionId;
    /// <summary>The first byte after the header.</summary>
    public const int HeaderEnd = 0x40;

    /// <summary>Devices that a bus, and functions that a device has room for.</summary>
    public const int DevicesPerBus = 32, FunctionsPerDevice = 8;

    /// <summary>Vendor ID of an absent function.</summary>
    public const ushort NoVendor = 0xFFFF;
    /// <summary>Vendor ID while a function answers with Configuration Request Retry Status (PCIe 2.3.2).</summary>
    public const ushort RetryVendor = 0x0001;

    /// <summary>Status: configuration space may be used right after a reset (PCIe 7.5.1.1.4).</summary>
    public const ushort StatusImmediateReadiness = 1 << 0;

    /// <summary>Base class and subclass of a DMA remapping unit (PCI Code and ID 1.11, 1.9).</summary>
    public const uint RemappingUnit = 0x0806;

    /// <summary>Header type: the bits that give the layout.</summary>
    public const byte HeaderLayoutMask = 0x7F;
    /// <summary>Header layout: an ordinary function with six BARs.</summary>
    public const byte HeaderEndpoint = 0;
    /// <summary>Header layout: a PCI-to-PCI bridge with two BARs.</summary>
    public const byte HeaderBridge = 1;

    /// <summary>Bridge control: resets the secondary bus.</summary>
    public const ushort BridgeControlSecondaryReset = 1 << 6;

    /// <summary>BAR: the memory type field.</summary>
    public const uint BarTypeMask = 3 << 1;
    /// <summary>BAR: the address bits of an I/O BAR.</summary>
    public const uint BarIoMask = ~3u;
    /// <summary>BAR: the address bits of a memory BAR.</summary>
    public const uint BarMemoryMask = ~0xFu;
}
