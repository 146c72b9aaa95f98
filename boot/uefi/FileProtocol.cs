using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_FILE_PROTOCOL (UEFI 2.10, 13.5): the functions that Hv calls.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FileProtocol
{
    public ulong Revision;
    public delegate* unmanaged<FileProtocol*, FileProtocol**, char*, ulong, ulong, ulong> Open;
    public delegate* unmanaged<FileProtocol*, ulong> Close;

    /// <summary>EFI_FILE_MODE_READ.</summary>
    public const ulong ModeRead = 1;
}
