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

/// <summary>One request of the firmware's block I/O protocol to Hv. Lives in the loader's memory.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlockCall
{
    /// <summary>Read, write, flush: values of <see cref="Operation"/>.</summary>
    public const uint Read = 0, Write = 1, Flush = 2;

    /// <summary>What to do.</summary>
    public uint Operation;
    /// <summary>First sector.</summary>
    public ulong Sector;
    /// <summary>How many sectors.</summary>
    public ulong Count;
    /// <summary>The buffer, guest-physical and contiguous.</summary>
    public ulong Buffer;
}
