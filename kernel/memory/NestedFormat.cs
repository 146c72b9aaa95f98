namespace Hv.Kernel.Memory;

/// <summary>How one kind of page table writes down what all kinds mean. A pure value: a few words of bit positions.</summary>
public readonly struct NestedFormat
{
    /// <summary>EPT (Intel SDM vol. 3C, 29.3.2): bits 2:0 read, write, execute; 5:3 memory type; 7 large page.</summary>
    public static NestedFormat Ept => new(Kind.Ept, EptRead | EptWrite | EptExecute, Writable);

    /// <summary>Long-mode page tables, as NPT and Hv's own address space use (AMD APM vol. 2, 5.3 and 15.25).</summary>
    public static NestedFormat LongMode => new(Kind.LongMode, Present, Writable);

    /// <summary>Second-level tables of VT-d (Intel VT-d 3.3, 9.8): bits 1:0 read and write; 7 large page.</summary>
    public static NestedFormat SecondLevel => new(Kind.SecondLevel, EptRead | EptWrite, Writable);

    /// <summary>Host page tables of AMD-Vi (AMD I/O Virtualization 3.05, 2.2.3): bit 0 present; 11:9 level of the next table, 0 in a page of any size; 61 read; 62 write.</summary>
    public static NestedFormat AmdVi => new(Kind.AmdVi, Present, AmdViWrite);

    private enum Kind : byte
    {
        Ept,
        LongMode,
        SecondLevel,
        AmdVi,
    }

    private const ulong EptRead = 1, EptWrite = 2, EptExecute = 4;
    private const int EptMemoryTypeShift = 3, AmdViNextLevelShift = 9;
    private const ulong Present = 1, Writable = 2, User = 4, WriteThrough = 8, CacheDisable = 16, NoExecute = 1ul << 63;
    private const ulong AmdViNextLevel = 7ul << AmdViNextLevelShift, AmdViRead = 1ul << 61, AmdViWrite = 1ul << 62;

    /// <summary>All formats but AMD-Vi's mark a 2 MiB or 1 GiB leaf by bit 7.</summary>
    private const ulong LargePage = 1 << 7;

    /// <summary>All formats keep the host-physical address in bits 51:12.</summary>
    public const ulong AddressMask = 0x000F_FFFF_FFFF_F000;

    private readonly ulong _present;
    private readonly ulong _writable;
    private readonly Kind _kind;

    private NestedFormat(Kind kind, ulong present, ulong writable)
    {
        _kind = kind;
        _present = present;
        _writable = writable;
    }

    /// <summary>Whether an entry leads anywhere.</summary>
    public bool IsPresent(ulong entry) => (entry & _present) != 0;

    /// <summary>Whether an entry lets the guest, or the device, write.</summary>
    public bool IsWritable(ulong entry) => (entry & _writable) != 0;

    /// <summary>Whether a present entry above the lowest level is a page, not a table.</summary>
    public bool IsLarge(ulong entry) => _kind == Kind.AmdVi ? (entry & AmdViNextLevel) == 0 : (entry & LargePage) != 0;

    /// <summary>What a large leaf has besides the bits of <see cref="Leaf"/>.</summary>
    public ulong LargeBits => _kind == Kind.AmdVi ? 0 : LargePage;

    /// <summary>The same leaf, without the right to write.</summary>
    public ulong ReadOnly(ulong leaf) => leaf & ~_writable;

    /// <summary>The same leaf, with the right to write.</summary>
    public ulong ReadWrite(ulong leaf) => leaf | _writable;

    /// <summary>
    /// The entry for a table at <paramref name="table"/>, allowing everything that the leaves below it allow. <paramref name="level"/> is that
    /// of the entry, 1 to 3; leaves of 4 KiB are at level 0.
    /// </summary>
    public ulong Table(HostPhysical table, int level) => table.Value | _kind switch
    {
        Kind.Ept => EptRead | EptWrite | EptExecute,
        Kind.SecondLevel => EptRead | EptWrite,
        Kind.AmdVi => Present | AmdViRead | AmdViWrite | (ulong)level << AmdViNextLevelShift,
        _ => Present | Writable | User,
    };

    /// <summary>The bits of a leaf, without its address and size. Devices know neither execution nor memory types.</summary>
    public ulong Leaf(PageAccess access, MemoryType type)
    {
        bool write = (access & PageAccess.Write) != 0, execute = (access & PageAccess.Execute) != 0;
        switch (_kind)
        {
            case Kind.Ept:
                return EptRead | (write ? EptWrite : 0) | (execute ? EptExecute : 0) | (ulong)type << EptMemoryTypeShift;
            case Kind.SecondLevel:
                return EptRead | (write ? EptWrite : 0);
            case Kind.AmdVi:
                return Present | AmdViRead | (write ? AmdViWrite : 0);
        }
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
