using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_SYSTEM_TABLE (UEFI 2.10, 4.3).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct SystemTable
{
#pragma warning disable CS1591 // named as the specification names them
    public EfiTableHeader Header;
    public char* FirmwareVendor;
    public uint FirmwareRevision;
    public void* ConsoleInHandle;
    public void* ConIn;
    public void* ConsoleOutHandle;
    public SimpleTextOutput* ConOut;
    public void* StandardErrorHandle;
    public SimpleTextOutput* StdErr;
    public RuntimeServices* RuntimeServices;
    public BootServices* BootServices;
    public ulong NumberOfTableEntries;
    public EfiConfigurationTable* ConfigurationTable;
#pragma warning restore CS1591
}
