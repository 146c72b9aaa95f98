namespace Hv.Kernel.Instructions;

/// <summary>The registers that say how a guest translates its addresses.</summary>
public struct PagingState
{
    /// <summary>CR0.WP: supervisor writes obey read-only pages.</summary>
    public const ulong Cr0WriteProtect = 1ul << 16;
    /// <summary>CR0.PG: paging is on.</summary>
    public const ulong Cr0Paging = 1ul << 31;
    /// <summary>CR4.PSE: 4 MiB pages.</summary>
    public const ulong Cr4PageSizeExtensions = 1ul << 4;
    /// <summary>CR4.PAE: 8-byte entries.</summary>
    public const ulong Cr4PhysicalAddressExtension = 1ul << 5;
    /// <summary>CR4.LA57: five levels.</summary>
    public const ulong Cr4FiveLevels = 1ul << 12;
    /// <summary>CR4.SMEP: the supervisor executes no user pages.</summary>
    public const ulong Cr4Smep = 1ul << 20;
    /// <summary>CR4.SMAP: the supervisor touches no user pages (unless <see cref="GuestAccess.SmapSuspended"/>).</summary>
    public const ulong Cr4Smap = 1ul << 21;
    /// <summary>EFER.LMA: long mode is active.</summary>
    public const ulong EferLongModeActive = 1ul << 10;
    /// <summary>EFER.NXE: entries have a no-execute bit.</summary>
    public const ulong EferNoExecute = 1ul << 11;

    /// <summary>CR0.</summary>
    public ulong Cr0;
    /// <summary>CR3.</summary>
    public ulong Cr3;
    /// <summary>CR4.</summary>
    public ulong Cr4;
    /// <summary>EFER.</summary>
    public ulong Efer;
    /// <summary>MAXPHYADDR: how many bits the guest's physical addresses have, 32 to 52.</summary>
    public byte PhysicalAddressBits;
}
