using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_PCI_IO_PROTOCOL (UEFI 2.10, 14.4): the functions that Hv calls, at their places.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PciIo
{
    public fixed ulong BeforePciRead[6];
    public delegate* unmanaged<PciIo*, uint, uint, ulong, void*, ulong> PciRead;
    public fixed ulong BeforeGetLocation[7];
    public delegate* unmanaged<PciIo*, ulong*, ulong*, ulong*, ulong*, ulong> GetLocation;

    /// <summary>EfiPciIoWidthUint32.</summary>
    public const uint Width32 = 2;
}
