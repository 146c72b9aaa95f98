using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_ACPI_TABLE_PROTOCOL (UEFI 2.10, 20.2): the firmware adds tables to those that the OS is given.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct AcpiTableProtocol
{
    /// <summary>InstallAcpiTable: takes a copy of a table of so many bytes, and gives a key for it.</summary>
    public delegate* unmanaged<AcpiTableProtocol*, void*, ulong, ulong*, ulong> InstallAcpiTable;
    /// <summary>UninstallAcpiTable.</summary>
    public void* UninstallAcpiTable;
}
