using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

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
