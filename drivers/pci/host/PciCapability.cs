namespace Hv.Drivers.Pci.Host;

/// <summary>
/// Registers of the capabilities that Hv uses: power management (PCI PM 1.2, 3.2), MSI and MSI-X (PCI 3.0, 6.8), PCI Express
/// (PCIe 4.0, 7.5.3) and advanced features. Offsets count from the capability.
/// </summary>
public static class PciCapability
{
    /// <summary>Advanced features: function level reset for conventional PCI (ECN of 2006).</summary>
    public const byte AdvancedFeatures = 0x13;

    /// <summary>Power management: control and status, 16 bits.</summary>
    public const int PmControl = 4;
    /// <summary>PmControl: the power state, 0 to 3 for D0 to D3hot.</summary>
    public const ushort PmStateMask = 3;
    /// <summary>PmControl: state D3hot.</summary>
    public const ushort PmD3Hot = 3;
    /// <summary>PmControl: the way from D3hot to D0 does not reset the function.</summary>
    public const ushort PmNoSoftReset = 1 << 3;
    /// <summary>PmControl: a power management event happened; cleared by writing one.</summary>
    public const ushort PmEventStatus = 1 << 15;

    /// <summary>MSI: message control, 16 bits.</summary>
    public const int MsiControl = 2;
    /// <summary>MsiControl: MSI is on.</summary>
    public const ushort MsiEnable = 1 << 0;
    /// <summary>MsiControl: the address has 64 bits.</summary>
    public const ushort Msi64 = 1 << 7;
    /// <summary>MsiControl: there is a mask register.</summary>
    public const ushort MsiMaskable = 1 << 8;

    /// <summary>MSI-X: message control, 16 bits.</summary>
    public const int MsiXControl = 2;
    /// <summary>MsiXControl: number of table entries, less one.</summary>
    public const ushort MsiXSizeMask = 0x7FF;
    /// <summary>MsiXControl: all vectors are masked.</summary>
    public const ushort MsiXFunctionMask = 1 << 14;
    /// <summary>MsiXControl: MSI-X is on.</summary>
    public const ushort MsiXEnable = 1 << 15;
    /// <summary>MSI-X: BAR of the table in bits 2:0, offset in the rest.</summary>
    public const int MsiXTable = 4;

    /// <summary>PCI Express: capabilities, 16 bits; version in bits 3:0, port type in bits 7:4, slot in bit 8.</summary>
    public const int ExpressFlags = 2;
    /// <summary>ExpressFlags: the capability's version.</summary>
    public const ushort ExpressVersionMask = 0xF;
    /// <summary>PCI Express: device capabilities, 32 bits.</summary>
    public const int ExpressDeviceCapabilities = 4;
    /// <summary>ExpressDeviceCapabilities: function level reset.</summary>
    public const uint ExpressFlrCapable = 1u << 28;
    /// <summary>PCI Express: device control, 16 bits.</summary>
    public const int ExpressDeviceControl = 8;
    /// <summary>ExpressDeviceControl: starts a function level reset; reads as zero in endpoints.</summary>
    public const ushort ExpressInitiateFlr = 1 << 15;
    /// <summary>PCI Express: device status, 16 bits.</summary>
    public const int ExpressDeviceStatus = 10;
    /// <summary>ExpressDeviceStatus: requests of the function are not yet completed.</summary>
    public const ushort ExpressTransactionsPending = 1 << 5;
    /// <summary>PCI Express: link control, 16 bits.</summary>
    public const int ExpressLinkControl = 16;
    /// <summary>ExpressLinkControl: disables (bit 4) or retrains (bit 5) the link; of downstream ports only.</summary>
    public const ushort ExpressLinkActions = 3 << 4;
    /// <summary>PCI Express version 2: device control 2, 16 bits.</summary>
    public const int ExpressDeviceControl2 = 40;
    /// <summary>PCI Express version 2: link control 2, 16 bits.</summary>
    public const int ExpressLinkControl2 = 48;

    /// <summary>Advanced features: capabilities, 8 bits.</summary>
    public const int AfCapabilities = 3;
    /// <summary>AfCapabilities: transactions pending and function level reset are both there.</summary>
    public const byte AfFlrCapable = 3;
    /// <summary>Advanced features: control, 8 bits; bit 0 starts the reset.</summary>
    public const int AfControl = 4;
    /// <summary>AfControl: starts a function level reset.</summary>
    public const byte AfInitiateFlr = 1;
    /// <summary>Advanced features: status, 8 bits.</summary>
    public const int AfStatus = 5;
    /// <summary>AfStatus: transactions pending.</summary>
    public const byte AfTransactionsPending = 1;
}
