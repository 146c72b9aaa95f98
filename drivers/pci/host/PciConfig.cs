namespace Hv.Drivers.Pci.Host;

/// <summary>Configuration space of a PCI function (PCI Local Bus Specification 3.0, chapter 6; PCI Express Base 4.0, 7.5).</summary>
public static class PciConfig
{
    /// <summary>Bytes of conventional configuration space.</summary>
    public const int Size = 256;
    /// <summary>Bytes of configuration space of a PCI Express function.</summary>
    public const int ExtendedSize = 4096;

    /// <summary>Vendor ID, 16 bits.</summary>
    public const int VendorId = 0x00;
    /// <summary>Device ID, 16 bits.</summary>
    public const int DeviceId = 0x02;
    /// <summary>Command, 16 bits.</summary>
    public const int Command = 0x04;
    /// <summary>Status, 16 bits, error bits are cleared by writing ones.</summary>
    public const int Status = 0x06;
    /// <summary>Revision in bits 7:0, then programming interface, subclass, base class.</summary>
    public const int ClassRevision = 0x08;
    /// <summary>Cache line size in double words, 8 bits.</summary>
    public const int CacheLineSize = 0x0C;
    /// <summary>Latency timer, 8 bits.</summary>
    public const int LatencyTimer = 0x0D;
    /// <summary>Header type, 8 bits.</summary>
    public const int HeaderType = 0x0E;
    /// <summary>The first base address register, 32 bits each.</summary>
    public const int Bar0 = 0x10;
    /// <summary>Type 1: secondary bus number, 8 bits.</summary>
    public const int SecondaryBus = 0x19;
    /// <summary>Type 0: subsystem vendor and device, 32 bits.</summary>
    public const int Subsystem = 0x2C;
    /// <summary>Type 0: expansion ROM address, 32 bits; bit 0 enables it.</summary>
    public const int ExpansionRom = 0x30;
    /// <summary>The first capability's offset, 8 bits.</summary>
    public const int CapabilityPointer = 0x34;
    /// <summary>Interrupt line, 8 bits.</summary>
    public const int InterruptLine = 0x3C;
    /// <summary>Interrupt pin, 8 bits: 1 is INTA#.</summary>
    public const int InterruptPin = 0x3D;
    /// <summary>Type 1: bridge control, 16 bits.</summary>
    public const int BridgeControl = 0x3E;
    /// <summary>The first byte after the header.</summary>
    public const int HeaderEnd = 0x40;

    /// <summary>Vendor ID of an absent function.</summary>
    public const ushort NoVendor = 0xFFFF;
    /// <summary>Vendor ID while a function answers with Configuration Request Retry Status (PCIe 2.3.2).</summary>
    public const ushort RetryVendor = 0x0001;

    /// <summary>Command: answers I/O accesses.</summary>
    public const ushort CommandIo = 1 << 0;
    /// <summary>Command: answers memory accesses.</summary>
    public const ushort CommandMemory = 1 << 1;
    /// <summary>Command: may start transactions (DMA, MSI).</summary>
    public const ushort CommandBusMaster = 1 << 2;
    /// <summary>Command: INTx is not asserted.</summary>
    public const ushort CommandInterruptDisable = 1 << 10;

    /// <summary>Status: configuration space may be used right after a reset (PCIe 7.5.1.1.4).</summary>
    public const ushort StatusImmediateReadiness = 1 << 0;
    /// <summary>Status: there is a capability list.</summary>
    public const ushort StatusCapabilityList = 1 << 4;

    /// <summary>Header type: more functions than function 0.</summary>
    public const byte HeaderMultiFunction = 0x80;
    /// <summary>Header type: the bits that give the layout.</summary>
    public const byte HeaderLayoutMask = 0x7F;
    /// <summary>Header layout: an ordinary function with six BARs.</summary>
    public const byte HeaderEndpoint = 0;
    /// <summary>Header layout: a PCI-to-PCI bridge with two BARs.</summary>
    public const byte HeaderBridge = 1;

    /// <summary>Bridge control: resets the secondary bus.</summary>
    public const ushort BridgeControlSecondaryReset = 1 << 6;

    /// <summary>BAR: I/O space.</summary>
    public const uint BarIo = 1 << 0;
    /// <summary>BAR: the memory type field.</summary>
    public const uint BarTypeMask = 3 << 1;
    /// <summary>BAR: the memory type of a 64-bit BAR, whose next register has the high half.</summary>
    public const uint BarType64 = 2 << 1;
    /// <summary>BAR: memory without side effects of reading.</summary>
    public const uint BarPrefetchable = 1 << 3;
    /// <summary>BAR: the address bits of an I/O BAR.</summary>
    public const uint BarIoMask = ~3u;
    /// <summary>BAR: the address bits of a memory BAR.</summary>
    public const uint BarMemoryMask = ~0xFu;
}
