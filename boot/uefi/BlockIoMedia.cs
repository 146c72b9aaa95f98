using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_BLOCK_IO_MEDIA (UEFI 2.10, 13.9), revision 1.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct BlockIoMedia
{
    public uint MediaId;
    public byte RemovableMedia, MediaPresent, LogicalPartition, ReadOnly, WriteCaching;
    public uint BlockSize;
    public uint IoAlign;
    public ulong LastBlock;
}
