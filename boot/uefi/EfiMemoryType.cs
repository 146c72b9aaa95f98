namespace Hv.Boot.Uefi;

/// <summary>EFI_MEMORY_TYPE (UEFI 2.10, 7.2).</summary>
public enum EfiMemoryType : uint
{
#pragma warning disable CS1591 // named as the specification names them
    Reserved = 0, LoaderCode = 1, LoaderData = 2, BootServicesCode = 3, BootServicesData = 4, RuntimeServicesCode = 5,
    RuntimeServicesData = 6, Conventional = 7, Unusable = 8, AcpiReclaim = 9, AcpiNvs = 10, MemoryMappedIo = 11,
    MemoryMappedIoPortSpace = 12, PalCode = 13, Persistent = 14,
#pragma warning restore CS1591
}
