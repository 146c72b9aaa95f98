using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_GUID (UEFI 2.10, 2.3.1): compared as two words.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EfiGuid
{
    /// <summary>Bytes 0 to 7 as they lie in memory.</summary>
    public ulong Low;
    /// <summary>Bytes 8 to 15 as they lie in memory.</summary>
    public ulong High;

    /// <summary>A GUID from its parts as the specification prints them.</summary>
    public EfiGuid(uint first, ushort second, ushort third, ulong lastBigEndian)
    {
        Low = first | (ulong)second << 32 | (ulong)third << 48;
        High = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(lastBigEndian);
    }

    /// <summary>EFI_LOADED_IMAGE_PROTOCOL_GUID (9.1).</summary>
    public static EfiGuid LoadedImage => new(0x5B1B31A1, 0x9562, 0x11d2, 0x8E3F_00A0C969723B);
    /// <summary>EFI_DEVICE_PATH_PROTOCOL_GUID (10.2).</summary>
    public static EfiGuid DevicePath => new(0x09576e91, 0x6d3f, 0x11d2, 0x8e39_00a0c969723b);
    /// <summary>EFI_BLOCK_IO_PROTOCOL_GUID (13.9).</summary>
    public static EfiGuid BlockIo => new(0x964e5b21, 0x6459, 0x11d2, 0x8e39_00a0c969723b);
    /// <summary>EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID (13.4).</summary>
    public static EfiGuid SimpleFileSystem => new(0x0964e5b22, 0x6459, 0x11d2, 0x8e39_00a0c969723b);
    /// <summary>EFI_PCI_IO_PROTOCOL_GUID (14.4).</summary>
    public static EfiGuid PciIo => new(0x4cf5b200, 0x68b8, 0x4ca5, 0x9eec_b23e3f50029a);
    /// <summary>EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID (12.9).</summary>
    public static EfiGuid GraphicsOutput => new(0x9042a9de, 0x23dc, 0x4a38, 0x96fb_7aded080516a);
    /// <summary>EFI_GLOBAL_VARIABLE (3.3).</summary>
    public static EfiGuid GlobalVariable => new(0x8BE4DF61, 0x93CA, 0x11d2, 0xAA0D_00E098032B8C);
    /// <summary>EFI_RT_PROPERTIES_TABLE_GUID (4.6.2).</summary>
    public static EfiGuid RuntimePropertiesTable => new(0xeb66918a, 0x7eef, 0x402a, 0x842e_931d21c38ae9);
    /// <summary>EFI_ACPI_20_TABLE_GUID (4.6.1).</summary>
    public static EfiGuid Acpi20Table => new(0x8868e871, 0xe4f1, 0x11d3, 0xbc22_0080c73c8881);
    /// <summary>EFI_PCI_ROOT_BRIDGE_IO_PROTOCOL_GUID (14.2).</summary>
    public static EfiGuid PciRootBridgeIo => new(0x2F707EBB, 0x4A1A, 0x11d4, 0x9A38_0090273FC14D);
    /// <summary>The vendor device path node under which Hv announces the boot disk.</summary>
    public static EfiGuid HvDisk => new(0x7b8a3a3e, 0x1c41, 0x4d8e, 0x9a53_68762d646973);

    /// <summary>Same GUID.</summary>
    public readonly bool Is(in EfiGuid other) => Low == other.Low && High == other.High;
}

/// <summary>EFI_STATUS values that Hv gives or looks at (UEFI 2.10, appendix D); errors have the top bit set.</summary>
public static class EfiStatus
{
#pragma warning disable CS1591 // named as the specification names them
    public const ulong Success = 0;
    public const ulong Error = 1ul << 63;
    public const ulong LoadError = Error | 1;
    public const ulong InvalidParameter = Error | 2;
    public const ulong Unsupported = Error | 3;
    public const ulong BadBufferSize = Error | 4;
    public const ulong BufferTooSmall = Error | 5;
    public const ulong DeviceError = Error | 7;
    public const ulong OutOfResources = Error | 9;
    public const ulong NotFound = Error | 14;
#pragma warning restore CS1591

    /// <summary>Whether a status is an error.</summary>
    public static bool IsError(ulong status) => (status & Error) != 0;
}

/// <summary>EFI_MEMORY_TYPE (UEFI 2.10, 7.2).</summary>
public enum EfiMemoryType : uint
{
#pragma warning disable CS1591 // named as the specification names them
    Reserved = 0, LoaderCode = 1, LoaderData = 2, BootServicesCode = 3, BootServicesData = 4, RuntimeServicesCode = 5,
    RuntimeServicesData = 6, Conventional = 7, Unusable = 8, AcpiReclaim = 9, AcpiNvs = 10, MemoryMappedIo = 11,
    MemoryMappedIoPortSpace = 12, PalCode = 13, Persistent = 14,
#pragma warning restore CS1591
}

/// <summary>EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EfiMemoryDescriptor
{
    /// <summary>What the memory is used for.</summary>
    public EfiMemoryType Type;
    /// <summary>Fills up to eight bytes.</summary>
    public uint Padding;
    /// <summary>First byte, host-physical.</summary>
    public ulong PhysicalStart;
    /// <summary>First byte, virtual; only after SetVirtualAddressMap.</summary>
    public ulong VirtualStart;
    /// <summary>4 KiB pages.</summary>
    public ulong NumberOfPages;
    /// <summary>Capabilities.</summary>
    public ulong Attribute;
}

/// <summary>EFI_TABLE_HEADER (UEFI 2.10, 4.2).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EfiTableHeader
{
#pragma warning disable CS1591 // named as the specification names them
    public ulong Signature;
    public uint Revision;
    public uint HeaderSize;
    public uint Crc32;
    public uint Reserved;
#pragma warning restore CS1591
}

/// <summary>EFI_CONFIGURATION_TABLE (UEFI 2.10, 4.6).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct EfiConfigurationTable
{
    /// <summary>Which table.</summary>
    public EfiGuid VendorGuid;
    /// <summary>The table, host-physical.</summary>
    public void* VendorTable;
}

/// <summary>EFI_DEVICE_PATH_PROTOCOL (UEFI 2.10, 10.2): the head of each node.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct EfiDevicePath
{
    /// <summary>Node types and subtypes that Hv reads or makes (10.3).</summary>
    public const byte HardwareType = 1, PciSubtype = 1, VendorSubtype = 4, MediaType = 4, HardDriveSubtype = 1, FilePathSubtype = 4,
        EndType = 0x7F, EndEntireSubtype = 0xFF;

    /// <summary>Node type.</summary>
    public byte Type;
    /// <summary>Node subtype.</summary>
    public byte SubType;
    /// <summary>Bytes of the node, this head included.</summary>
    public ushort Length;

    /// <summary>Whether this node ends the path.</summary>
    public readonly bool IsEnd => Type == EndType;
}
