namespace Hv.Drivers.Pci;

/// <summary>Offsets and bits of the configuration header (PCI Local Bus 3.0, chapter 6; PCI-to-PCI Bridge 1.2, chapter 3).</summary>
public static class PciRegister
{
    /// <summary>Vendor ID, 16 bits; all ones where no function is.</summary>
    public const int VendorId = 0x00;
    /// <summary>Device ID, 16 bits.</summary>
    public const int DeviceId = 0x02;
    /// <summary>Command, 16 bits.</summary>
    public const int Command = 0x04;
    /// <summary>Status, 16 bits.</summary>
    public const int Status = 0x06;
    /// <summary>Revision ID, 8 bits.</summary>
    public const int RevisionId = 0x08;
    /// <summary>Programming interface, sub-class and class: three bytes.</summary>
    public const int ClassCode = 0x09;
    /// <summary>Cache line size, 8 bits.</summary>
    public const int CacheLineSize = 0x0C;
    /// <summary>Latency timer, 8 bits.</summary>
    public const int LatencyTimer = 0x0D;
    /// <summary>Header type, 8 bits; bit 7 is <see cref="HeaderMultiFunction"/>.</summary>
    public const int HeaderType = 0x0E;
    /// <summary>The first base address register, 32 bits; type 0 has six, type 1 two.</summary>
    public const int Bar0 = 0x10;
    /// <summary>Subsystem vendor ID, 16 bits (type 0).</summary>
    public const int SubsystemVendorId = 0x2C;
    /// <summary>Subsystem ID, 16 bits (type 0).</summary>
    public const int SubsystemId = 0x2E;
    /// <summary>Expansion ROM base address, 32 bits (type 0).</summary>
    public const int ExpansionRom = 0x30;
    /// <summary>Pointer to the first capability, 8 bits.</summary>
    public const int CapabilitiesPointer = 0x34;
    /// <summary>Interrupt line, 8 bits: a note for software.</summary>
    public const int InterruptLine = 0x3C;
    /// <summary>Interrupt pin, 8 bits: 0 none, 1 INTA# to 4 INTD#.</summary>
    public const int InterruptPin = 0x3D;

    /// <summary>Primary bus number, 8 bits (type 1).</summary>
    public const int PrimaryBus = 0x18;
    /// <summary>Secondary bus number, 8 bits (type 1).</summary>
    public const int SecondaryBus = 0x19;
    /// <summary>Subordinate bus number, 8 bits (type 1).</summary>
    public const int SubordinateBus = 0x1A;
    /// <summary>Secondary latency timer, 8 bits (type 1).</summary>
    public const int SecondaryLatencyTimer = 0x1B;
    /// <summary>I/O base, 8 bits (type 1).</summary>
    public const int IoBase = 0x1C;
    /// <summary>I/O limit, 8 bits (type 1).</summary>
    public const int IoLimit = 0x1D;
    /// <summary>Secondary status, 16 bits (type 1).</summary>
    public const int SecondaryStatus = 0x1E;
    /// <summary>Memory base, 16 bits (type 1).</summary>
    public const int MemoryBase = 0x20;
    /// <summary>Memory limit, 16 bits (type 1).</summary>
    public const int MemoryLimit = 0x22;
    /// <summary>Prefetchable memory base, 16 bits (type 1).</summary>
    public const int PrefetchableBase = 0x24;
    /// <summary>Prefetchable memory limit, 16 bits (type 1).</summary>
    public const int PrefetchableLimit = 0x26;
    /// <summary>Upper half of the prefetchable base, 32 bits (type 1).</summary>
    public const int PrefetchableBaseUpper = 0x28;
    /// <summary>Upper half of the prefetchable limit, 32 bits (type 1).</summary>
    public const int PrefetchableLimitUpper = 0x2C;
    /// <summary>Upper halves of the I/O base and limit, 16 bits each (type 1).</summary>
    public const int IoUpper = 0x30;
    /// <summary>Bridge control, 16 bits (type 1).</summary>
    public const int BridgeControl = 0x3E;

    /// <summary>Command: the function answers I/O cycles.</summary>
    public const ushort CommandIo = 1 << 0;
    /// <summary>Command: the function answers memory cycles.</summary>
    public const ushort CommandMemory = 1 << 1;
    /// <summary>Command: the function may be a bus master (DMA and messages).</summary>
    public const ushort CommandBusMaster = 1 << 2;
    /// <summary>Command: parity error response.</summary>
    public const ushort CommandParity = 1 << 6;
    /// <summary>Command: SERR# enable.</summary>
    public const ushort CommandSerr = 1 << 8;
    /// <summary>Command: INTx disable.</summary>
    public const ushort CommandIntxDisable = 1 << 10;

    /// <summary>Status: INTx is wanted, whether or not it is disabled.</summary>
    public const ushort StatusInterrupt = 1 << 3;
    /// <summary>Status: there is a list of capabilities.</summary>
    public const ushort StatusCapabilities = 1 << 4;
    /// <summary>Status: the bits that writing a one clears.</summary>
    public const ushort StatusWriteOneToClear = 0xF900;

    /// <summary>Header type: the device has more than one function.</summary>
    public const byte HeaderMultiFunction = 0x80;

    /// <summary>BAR: this is an I/O range.</summary>
    public const uint BarIo = 1;
    /// <summary>BAR: a memory range with a 64-bit address; the next BAR holds the upper half.</summary>
    public const uint BarWide = 4;
    /// <summary>BAR: prefetchable memory.</summary>
    public const uint BarPrefetchable = 8;

    /// <summary>Capability ID of power management.</summary>
    public const byte CapabilityPowerManagement = 0x01;
    /// <summary>Capability ID of MSI.</summary>
    public const byte CapabilityMsi = 0x05;
    /// <summary>Capability ID of PCI Express.</summary>
    public const byte CapabilityExpress = 0x10;
    /// <summary>Capability ID of MSI-X.</summary>
    public const byte CapabilityMsix = 0x11;
}
