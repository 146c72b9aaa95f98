using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_RUNTIME_SERVICES (UEFI 2.10, 4.5): the functions that Hv calls, at their places.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct RuntimeServices
{
#pragma warning disable CS1591 // named as the specification names them
    public EfiTableHeader Header;
    public void* GetTime;
    public void* SetTime;
    public void* GetWakeupTime;
    public void* SetWakeupTime;
    public void* SetVirtualAddressMap;
    public void* ConvertPointer;
    public delegate* unmanaged<char*, EfiGuid*, uint*, ulong*, void*, ulong> GetVariable;
#pragma warning restore CS1591
}
