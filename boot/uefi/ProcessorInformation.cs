using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_PROCESSOR_INFORMATION (UEFI PI 1.8, volume 2, 13.4).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct ProcessorInformation
{
    /// <summary>The local APIC ID.</summary>
    public ulong ProcessorId;

    /// <summary>PROCESSOR_AS_BSP_BIT, PROCESSOR_ENABLED_BIT, PROCESSOR_HEALTH_STATUS_BIT.</summary>
    public uint StatusFlag;

    private fixed uint _location[9];
}
