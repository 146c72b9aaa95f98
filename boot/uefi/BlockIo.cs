using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_BLOCK_IO_PROTOCOL (UEFI 2.10, 13.9).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct BlockIo
{
    public const ulong Revision1 = 0x0001_0000;

    public ulong Revision;
    public BlockIoMedia* Media;
    public delegate* unmanaged<BlockIo*, byte, ulong> Reset;
    public delegate* unmanaged<BlockIo*, uint, ulong, ulong, void*, ulong> ReadBlocks;
    public delegate* unmanaged<BlockIo*, uint, ulong, ulong, void*, ulong> WriteBlocks;
    public delegate* unmanaged<BlockIo*, ulong> FlushBlocks;
}
