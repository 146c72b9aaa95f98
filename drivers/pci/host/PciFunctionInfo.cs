namespace Hv.Drivers.Pci.Host;

/// <summary>What enumeration found out about one function.</summary>
public sealed class PciFunctionInfo
{
    /// <summary>BARs of an ordinary function.</summary>
    public const int MaxBars = 6;

    /// <summary>Where it is.</summary>
    public PciAddress Address;
    /// <summary>The bridge above its bus; its own address if it is on a root bus.</summary>
    public PciAddress Parent;
    /// <summary>Vendor ID.</summary>
    public ushort Vendor;
    /// <summary>Device ID.</summary>
    public ushort Device;
    /// <summary>Base class in bits 23:16, subclass in bits 15:8, programming interface in bits 7:0.</summary>
    public uint Class;
    /// <summary>Revision ID.</summary>
    public byte Revision;
    /// <summary>Header layout (<see cref="PciConfig.HeaderEndpoint"/>, <see cref="PciConfig.HeaderBridge"/>), without the multi-function bit.</summary>
    public byte Header;
    /// <summary>Type 1 only: the bus behind the bridge.</summary>
    public byte SecondaryBus;
    /// <summary>Offset of the power management capability, 0 if none.</summary>
    public byte PowerManagement;
    /// <summary>Offset of the MSI capability, 0 if none.</summary>
    public byte Msi;
    /// <summary>Offset of the MSI-X capability, 0 if none.</summary>
    public byte MsiX;
    /// <summary>Offset of the PCI Express capability, 0 if none.</summary>
    public byte PciExpress;
    /// <summary>Offset of the advanced features capability, 0 if none.</summary>
    public byte AdvancedFeatures;
    /// <summary>PCI Express function level reset is offered.</summary>
    public bool HasFlr;
    /// <summary>Conventional function level reset is offered.</summary>
    public bool HasAfFlr;
    /// <summary>The base address registers, <see cref="MaxBars"/> elements.</summary>
    public readonly PciBaseAddress[] Bars = new PciBaseAddress[MaxBars];

    /// <summary>Whether it is a bridge of any kind (host, ISA, PCI-to-PCI), which is never quiesced.</summary>
    public bool IsBridge => Class >> 16 == 0x06 || Header != PciConfig.HeaderEndpoint;

    /// <summary>Whether a bridge is above it, other than the host bridge.</summary>
    public bool HasParent => Parent != Address;

    /// <summary>
    /// Reads everything from the function. With <paramref name="sizeBars"/> the BARs are sized (see
    /// <see cref="PciBaseAddressReader.ReadWithSizes"/>), else only their addresses are read.
    /// </summary>
    public void Read(PciHost host, PciAddress function, PciAddress parent, bool sizeBars)
    {
        Address = function;
        Parent = parent;
        Vendor = host.Read16(function, PciRegister.VendorId);
        Device = host.Read16(function, PciRegister.DeviceId);
        uint classRevision = host.Read32(function, PciConfig.ClassRevision);
        Class = classRevision >> 8;
        Revision = (byte)classRevision;
        Header = (byte)(host.Read8(function, PciRegister.HeaderType) & PciConfig.HeaderLayoutMask);
        SecondaryBus = Header == PciConfig.HeaderBridge ? host.Read8(function, PciRegister.SecondaryBus) : (byte)0;
        PowerManagement = (byte)host.FindCapability(function, PciRegister.CapabilityPowerManagement);
        Msi = (byte)host.FindCapability(function, PciRegister.CapabilityMsi);
        MsiX = (byte)host.FindCapability(function, PciRegister.CapabilityMsix);
        PciExpress = (byte)host.FindCapability(function, PciRegister.CapabilityExpress);
        AdvancedFeatures = (byte)host.FindCapability(function, PciCapability.AdvancedFeatures);
        HasFlr = PciExpress != 0 &&
            (host.Read32(function, PciExpress + PciCapability.ExpressDeviceCapabilities) & PciCapability.ExpressFlrCapable) != 0;
        HasAfFlr = AdvancedFeatures != 0 &&
            (host.Read8(function, AdvancedFeatures + PciCapability.AfCapabilities) & PciCapability.AfFlrCapable) == PciCapability.AfFlrCapable;
        ReadBars(host, sizeBars);
    }

    private void ReadBars(PciHost host, bool sizeBars)
    {
        int count = Header == PciConfig.HeaderEndpoint ? MaxBars : Header == PciConfig.HeaderBridge ? 2 : 0;
        for (int index = 0; index < MaxBars; index++)
            Bars[index] = default;
        // A host bridge's BARs may be the window to memory itself: they are never changed.
        if (sizeBars && Class >> 8 != 0x0600)
        {
            PciBaseAddressReader.ReadWithSizes(host, Address, Bars, count);
            return;
        }
        for (int index = 0; index < count; index++)
        {
            Bars[index] = PciBaseAddressReader.Read(host, Address, index);
            if (Bars[index].Kind == PciBaseAddressKind.Memory64)
                index++;
        }
    }
}
