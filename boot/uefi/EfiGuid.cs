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
    /// <summary>EFI_MP_SERVICES_PROTOCOL_GUID (UEFI PI 1.8, volume 2, 13.4).</summary>
    public static EfiGuid MpServices => new(0x3fdda605, 0xa76e, 0x4f46, 0xad29_12f4531b3d08);
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
    /// <summary>EFI_ACPI_TABLE_PROTOCOL_GUID (20.2).</summary>
    public static EfiGuid AcpiTable => new(0xffe06bdd, 0x6107, 0x46a6, 0x7bb2_5a9c7ec5275c);
    /// <summary>The vendor device path node under which Hv announces the boot disk.</summary>
    public static EfiGuid HvDisk => new(0x7b8a3a3e, 0x1c41, 0x4d8e, 0x9a53_68762d646973);

    /// <summary>Same GUID.</summary>
    public readonly bool Is(in EfiGuid other) => Low == other.Low && High == other.High;
}
