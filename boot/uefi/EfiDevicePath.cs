using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

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
