namespace Hv.Kernel.Memory;

/// <summary>How one kind of page table writes down what all kinds mean. A pure value: two words of bit positions.</summary>
public readonly struct NestedFormat
{
    /// <summary>EPT (Intel SDM vol. 3C, 29.3.2): bits 2:0 read, write, execute; 5:3 memory type; 7 large page.</summary>
    public static NestedFormat Ept => new(isEpt: true);

    /// <summary>Long-mode page tables, as NPT and Hv's own address space use (AMD APM vol. 2, 5.3 and 15.25).</summary>
    public static NestedFormat LongMode => new(isEpt: false);

    private const ulong EptRead = 1, EptWrite = 2, EptExecute = 4;
    private const int EptMemoryTypeShift = 3;
    private const ulong Present = 1, Writable = 2, User = 4, WriteThrough = 8, CacheDisable = 16, NoExecute = 1ul << 63;

    /// <summary>Both formats mark a 2 MiB or 1 GiB leaf by bit 7.</summary>
    public const ulong LargePage = 1 << 7;

    /// <summary>Both formats keep the host-physical address in bits 51:12.</summary>
    public const ulong AddressMask = 0x000F_FFFF_FFFF_F000;

    private readonly bool _isEpt;

    private NestedFormat(bool isEpt) => _isEpt = isEpt;

    /// <summary>Whether an entry leads anywhere.</summary>
    public bool IsPresent(ulong entry) => (entry & (_isEpt ? EptRead | EptWrite | EptExecute : Present)) != 0;

    /// <summary>Whether an entry lets the guest write.</summary>
    public bool IsWritable(ulong entry) => (entry & Writable) != 0;

    /// <summary>The same leaf, without the right to write.</summary>
    public static ulong ReadOnly(ulong leaf) => leaf & ~Writable;

    /// <summary>The same leaf, with the right to write.</summary>
    public static ulong ReadWrite(ulong leaf) => leaf | Writable;

    /// <summary>The entry for a table at <paramref name="table"/>, allowing everything that the leaves below it allow.</summary>
    public ulong Table(HostPhysical table) => table.Value | (_isEpt ? EptRead | EptWrite | EptExecute : Present | Writable | User);

    /// <summary>The bits of a leaf, without its address and size.</summary>
    public ulong Leaf(PageAccess access, MemoryType type)
    {
        bool write = (access & PageAccess.Write) != 0, execute = (access & PageAccess.Execute) != 0;
        if (_isEpt)
            return EptRead | (write ? EptWrite : 0) | (execute ? EptExecute : 0) | (ulong)type << EptMemoryTypeShift;
        // PAT entries 0 (write back), 1 (write through) and 3 (uncacheable) after reset; the MTRRs add the rest.
        ulong caching = type switch
        {
            MemoryType.WriteBack => 0,
            MemoryType.WriteThrough => WriteThrough,
            _ => WriteThrough | CacheDisable,
        };
        return Present | User | (write ? Writable : 0) | (execute ? 0 : NoExecute) | caching;
    }
}
