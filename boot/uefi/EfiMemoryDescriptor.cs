using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_MEMORY_DESCRIPTOR (UEFI 2.10, 7.2).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct EfiMemoryDescriptor
{
    /// <summary>What the memory is used for.</summary>
    public EfiMemoryType Type;
    /// <summary>Fills up to eight bytes.</summary>
    public uint Padding;
    /// <summary>First byte, host-physical.</summary>
    public ulong PhysicalStart;
    /// <summary>First byte, virtual; only after SetVirtualAddressMap.</summary>
    public ulong VirtualStart;
    /// <summary>4 KiB pages.</summary>
    public ulong NumberOfPages;
    /// <summary>Capabilities.</summary>
    public ulong Attribute;
}
