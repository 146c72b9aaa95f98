namespace Hv.Drivers.Nvme.Spec;

/// <summary>The Identify command: CNS values and byte offsets in its 4096-byte data structures (NVM Express 1.4, 5.15).</summary>
public static class NvmeIdentify
{
    /// <summary>Every structure's size.</summary>
    public const int Bytes = 4096;

    /// <summary>CNS: one namespace.</summary>
    public const byte Namespace = 0x00;
    /// <summary>CNS: the controller.</summary>
    public const byte Controller = 0x01;
    /// <summary>CNS: the active namespaces above NSID.</summary>
    public const byte ActiveNamespaces = 0x02;
    /// <summary>CNS: the namespace's identification descriptors.</summary>
    public const byte NamespaceDescriptors = 0x03;

    /// <summary>Controller: PCI vendor (2 bytes).</summary>
    public const int VendorId = 0;
    /// <summary>Controller: PCI subsystem vendor (2 bytes).</summary>
    public const int SubsystemVendorId = 2;
    /// <summary>Controller: serial number (20 ASCII characters).</summary>
    public const int SerialNumber = 4;
    /// <summary>Controller: model number (40 ASCII characters).</summary>
    public const int ModelNumber = 24;
    /// <summary>Controller: firmware revision (8 ASCII characters).</summary>
    public const int FirmwareRevision = 64;
    /// <summary>Controller: recommended arbitration burst, log2 (1 byte).</summary>
    public const int ArbitrationBurst = 72;
    /// <summary>Controller: IEEE OUI (3 bytes, least significant first).</summary>
    public const int Oui = 73;
    /// <summary>Controller: maximum data transfer, log2 of 4 KiB units; 0 = no limit (1 byte).</summary>
    public const int MaximumDataTransfer = 77;
    /// <summary>Controller: identifier (2 bytes).</summary>
    public const int ControllerId = 78;
    /// <summary>Controller: version (4 bytes).</summary>
    public const int ControllerVersion = 80;
    /// <summary>Controller: optional asynchronous events (4 bytes).</summary>
    public const int OptionalAsyncEvents = 92;
    /// <summary>Controller: type, 1 = I/O controller (1 byte).</summary>
    public const int ControllerType = 111;
    /// <summary>Controller: optional admin commands (2 bytes).</summary>
    public const int OptionalAdminCommands = 256;
    /// <summary>Controller: aborts at a time, 0's based (1 byte).</summary>
    public const int AbortLimit = 258;
    /// <summary>Controller: asynchronous event requests at a time, 0's based (1 byte).</summary>
    public const int AsyncEventLimit = 259;
    /// <summary>Controller: firmware updates (1 byte).</summary>
    public const int FirmwareUpdates = 260;
    /// <summary>Controller: log page attributes (1 byte).</summary>
    public const int LogPageAttributes = 261;
    /// <summary>Controller: error log entries, 0's based (1 byte).</summary>
    public const int ErrorLogEntries = 262;
    /// <summary>Controller: power states, 0's based (1 byte).</summary>
    public const int PowerStates = 263;
    /// <summary>Controller: warning temperature, kelvin (2 bytes).</summary>
    public const int WarningTemperature = 266;
    /// <summary>Controller: critical temperature, kelvin (2 bytes).</summary>
    public const int CriticalTemperature = 268;
    /// <summary>Controller: submission queue entry size, log2: required in bits 3:0, maximum in 7:4 (1 byte).</summary>
    public const int SubmissionEntrySize = 512;
    /// <summary>Controller: completion queue entry size, the same way (1 byte).</summary>
    public const int CompletionEntrySize = 513;
    /// <summary>Controller: number of namespaces (4 bytes).</summary>
    public const int NamespaceCount = 516;
    /// <summary>Controller: optional NVM commands (2 bytes).</summary>
    public const int OptionalNvmCommands = 520;
    /// <summary>Controller: volatile write cache (1 byte).</summary>
    public const int VolatileWriteCache = 525;
    /// <summary>Controller: NVM qualified name of the subsystem (256 bytes, UTF-8, null-terminated).</summary>
    public const int SubsystemName = 768;
    /// <summary>Controller: power state descriptor 0 (32 bytes).</summary>
    public const int PowerState0 = 2048;

    /// <summary>Optional NVM commands: Compare.</summary>
    public const ushort SupportsCompare = 1 << 0;
    /// <summary>Optional NVM commands: Dataset Management.</summary>
    public const ushort SupportsDatasetManagement = 1 << 2;
    /// <summary>Optional NVM commands: Write Zeroes.</summary>
    public const ushort SupportsWriteZeroes = 1 << 3;
    /// <summary>Volatile write cache: present.</summary>
    public const byte HasVolatileWriteCache = 1 << 0;
    /// <summary>Optional asynchronous events: namespace attribute notices (also a bit of the feature 0Bh).</summary>
    public const uint NamespaceAttributeNotices = 1u << 8;

    /// <summary>Namespace: size in logical blocks (8 bytes).</summary>
    public const int NamespaceSize = 0;
    /// <summary>Namespace: capacity in logical blocks (8 bytes).</summary>
    public const int NamespaceCapacity = 8;
    /// <summary>Namespace: used logical blocks (8 bytes).</summary>
    public const int NamespaceUtilization = 16;
    /// <summary>Namespace: features (1 byte).</summary>
    public const int NamespaceFeatures = 24;
    /// <summary>Namespace: LBA formats, 0's based (1 byte).</summary>
    public const int LbaFormatCount = 25;
    /// <summary>Namespace: the LBA format in use in bits 3:0 (1 byte).</summary>
    public const int FormattedLbaSize = 26;
    /// <summary>Namespace: deallocated blocks: bits 2:0 = 1 if they read as zeroes (1 byte).</summary>
    public const int DeallocateFeatures = 33;
    /// <summary>Namespace: attributes; bit 0 = write protected (1 byte).</summary>
    public const int NamespaceAttributes = 99;
    /// <summary>Namespace: globally unique identifier (16 bytes).</summary>
    public const int NamespaceGuid = 104;
    /// <summary>Namespace: IEEE extended unique identifier (8 bytes).</summary>
    public const int NamespaceEui64 = 120;
    /// <summary>Namespace: LBA format 0 (4 bytes); metadata size in bits 15:0, log2 of the data size in bits 23:16.</summary>
    public const int LbaFormat0 = 128;

    /// <summary>Namespace identification descriptor type: EUI64, 8 bytes.</summary>
    public const byte DescriptorEui64 = 1;
    /// <summary>Namespace identification descriptor type: NGUID, 16 bytes.</summary>
    public const byte DescriptorGuid = 2;
    /// <summary>Namespace identification descriptor type: UUID, 16 bytes.</summary>
    public const byte DescriptorUuid = 3;
}
