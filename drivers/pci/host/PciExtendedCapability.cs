namespace Hv.Drivers.Pci.Host;

/// <summary>Registers of the extended capabilities that Hv uses (PCI Express Base 5.0, 7.6.3 and the sections named). Offsets count from the capability.</summary>
public static class PciExtendedCapability
{
    /// <summary>Where the first one is.</summary>
    public const int First = 0x100;
    /// <summary>Header: the ID, bits 15:0.</summary>
    public const uint IdMask = 0xFFFF;
    /// <summary>Header: where the next one is, in the bits from this one on.</summary>
    public const int NextShift = 20;

    /// <summary>Advanced Error Reporting (7.8.4).</summary>
    public const ushort ErrorReporting = 0x0001;
    /// <summary>ErrorReporting: uncorrectable error mask.</summary>
    public const int ErrorMask = 0x08;
    /// <summary>ErrorReporting: uncorrectable error severity.</summary>
    public const int ErrorSeverity = 0x0C;
    /// <summary>ErrorReporting: correctable error mask.</summary>
    public const int CorrectableMask = 0x14;
    /// <summary>ErrorReporting: capabilities and control.</summary>
    public const int ErrorControl = 0x18;

    /// <summary>Address Translation Services (10.5.1): control in bits 31:16 of the double word at 4.</summary>
    public const ushort AddressTranslation = 0x000F;
    /// <summary>Page Request Interface (10.5.2): control in bits 15:0 of the double word at 4, status, cleared by ones, in the rest.</summary>
    public const ushort PageRequests = 0x0013;
    /// <summary>Process address space identifiers (7.8.8): control in bits 31:16 of the double word at 4.</summary>
    public const ushort ProcessSpaces = 0x001B;
    /// <summary>Latency Tolerance Reporting (7.8.2): the longest latencies, the double word at 4.</summary>
    public const ushort LatencyTolerance = 0x0018;
    /// <summary>The double word behind the header.</summary>
    public const int FirstRegister = 0x04;

    /// <summary>Resizable BAR (7.8.6).</summary>
    public const ushort ResizableBar = 0x0015;
    /// <summary>ResizableBar: control of the first BAR; the next ones follow 8 bytes apart.</summary>
    public const int ResizableControl = 0x08;
    /// <summary>ResizableBar: the distance of two BARs' controls.</summary>
    public const int ResizableDistance = 0x08;
    /// <summary>Control of the first BAR: how many BARs there are.</summary>
    public const uint ResizableCountMask = 7 << ResizableCountShift;
    /// <summary>Control of the first BAR: where the number of BARs is.</summary>
    public const int ResizableCountShift = 5;

    /// <summary>Single Root I/O Virtualization (9.3.3).</summary>
    public const ushort Virtualization = 0x0010;
    /// <summary>Virtualization: control, 16 bits.</summary>
    public const int VirtualControl = 0x08;
    /// <summary>VirtualControl: the virtual functions are there.</summary>
    public const ushort VirtualEnable = 1 << 0;
    /// <summary>VirtualControl: the virtual functions answer memory accesses.</summary>
    public const ushort VirtualMemory = 1 << 3;
    /// <summary>Virtualization: the first of six BARs of the virtual functions.</summary>
    public const int VirtualBar0 = 0x24;
}
