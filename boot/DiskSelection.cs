using System.Runtime.InteropServices;

namespace Hv.Boot;

/// <summary>Which disk the OS is on, as the loader found it in the firmware's device paths; and what Hv says of it.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct DiskSelection
{
    /// <summary>PCI requester ID of the controller: bus, device and function.</summary>
    public ushort Controller;
    /// <summary>AHCI port, NVMe namespace, or ATA channel times two plus drive.</summary>
    public uint Unit;
    /// <summary>Filled in by Hv: bytes per sector.</summary>
    public uint SectorBytes;
    /// <summary>Filled in by Hv: how many sectors.</summary>
    public ulong Sectors;
}
