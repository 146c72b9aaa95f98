using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_MP_SERVICES_PROTOCOL (UEFI PI 1.8, volume 2, 13.4).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct MpServices
{
#pragma warning disable CS1591 // named as the specification names them
    public delegate* unmanaged<MpServices*, ulong*, ulong*, ulong> GetNumberOfProcessors;
    public delegate* unmanaged<MpServices*, ulong, ProcessorInformation*, ulong> GetProcessorInfo;
    public void* StartupAllAps;
    public delegate* unmanaged<MpServices*, delegate* unmanaged<void*, void>, ulong, void*, ulong, void*, byte*, ulong> StartupThisAp;
    public void* SwitchBsp;
    public void* EnableDisableAp;
    public void* WhoAmI;
#pragma warning restore CS1591
}
