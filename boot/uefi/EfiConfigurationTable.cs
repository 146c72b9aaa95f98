using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_CONFIGURATION_TABLE (UEFI 2.10, 4.6).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct EfiConfigurationTable
{
    /// <summary>Which table.</summary>
    public EfiGuid VendorGuid;
    /// <summary>The table, host-physical.</summary>
    public void* VendorTable;
}
