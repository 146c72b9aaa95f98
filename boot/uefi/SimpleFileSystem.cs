using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_SIMPLE_FILE_SYSTEM_PROTOCOL (UEFI 2.10, 13.4).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SimpleFileSystem
{
    public ulong Revision;
    public delegate* unmanaged<SimpleFileSystem*, FileProtocol**, ulong> OpenVolume;
}
