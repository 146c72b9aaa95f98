using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_LOADED_IMAGE_PROTOCOL (UEFI 2.10, 9.1).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct LoadedImage
{
#pragma warning disable CS1591 // named as the specification names them
    public uint Revision;
    public void* ParentHandle;
    public SystemTable* SystemTable;
    public void* DeviceHandle;
    public EfiDevicePath* FilePath;
    public void* Reserved;
    public uint LoadOptionsSize;
    public void* LoadOptions;
    public byte* ImageBase;
    public ulong ImageSize;
#pragma warning restore CS1591
}
