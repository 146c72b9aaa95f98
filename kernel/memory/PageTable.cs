using System.Threading;

namespace Hv.Kernel.Memory;

/// <summary>
/// A four-level page table in any format: nested tables (EPT, NPT), tables of DMA remapping and Hv's own address space. The largest pages that the
/// request allows are used; a large page is split when a part of it changes. Callers flush the processor's caches of it.
/// </summary>
/// <remarks>
/// Changed by one processor at a time (with the machine's lock, or while the others are stopped). The primary's may be read meanwhile: entries are written whole, and while other processors run
/// no table is given back. Tables come from the page source given.
/// </remarks>
public sealed unsafe class PageTable
{
    private const int Levels = 4, EntriesPerTable = 512, BitsPerLevel = 9;

    /// <summary>Addresses that four levels reach, in bytes.</summary>
    public const ulong Reach = 1ul << (PageSize.SmallShift + Levels * BitsPerLevel);

    private readonly NestedFormat _format;
    private readonly PageSource _pages;
    private readonly ulong* _root;
    private readonly int _largestLevel;

    /// <summary>Makes an empty table. <paramref name="hugePages"/>: 1 GiB leaves may be used.</summary>
    public PageTable(NestedFormat format, PageSource pages, bool hugePages)
        : this(format, pages, hugePages ? PageSize.HugeShift : PageSize.LargeShift)
    {
    }

    /// <summary>Makes an empty table whose leaves have up to 1 &lt;&lt; <paramref name="largestShift"/> bytes.</summary>
    public PageTable(NestedFormat format, PageSource pages, int largestShift)
    {
        _format = format;
        _pages = pages;
        _largestLevel = (largestShift - PageSize.SmallShift) / BitsPerLevel;
        _root = (ulong*)pages.TakePage();
        Invariant.Holds(_root != null, "no page for a page table root");
    }

    /// <summary>The root table: what CR3, nCR3 or the EPT pointer names.</summary>
    public HostPhysical Root => new((ulong)_root);

    /// <summary>
    /// The table of the lowest 512 GiB: the root for who knows three levels only. <see cref="Status.NotFound"/> if nothing is mapped there, or if
    /// anything is mapped above.
    /// </summary>
    public Result<HostPhysical> ThreeLevelRoot
    {
        get
        {
            for (int i = 1; i < EntriesPerTable; i++)
            {
                if (_format.IsPresent(_root[i]))
                    return Status.NotFound;
            }
            return _format.IsPresent(_root[0]) ? new HostPhysical(_root[0] & NestedFormat.AddressMask) : Status.NotFound;
        }
    }

    /// <summary>The format of the entries.</summary>
    public NestedFormat Format => _format;

    /// <summary>
    /// Maps <paramref name="bytes"/> bytes at <paramref name="address"/> to <paramref name="target"/> (all 4 KiB aligned), replacing
    /// what was there. <see cref="Status.OutOfMemory"/> if a table page is missing: what was mapped by then stays.
    /// </summary>
    public Status Map(ulong address, HostPhysical target, ulong bytes, PageAccess access, MemoryType type) =>
        Set(address, bytes, target.Value, _format.Leaf(access, type), stepTarget: true);

    /// <summary>Takes away the mapping of a range (4 KiB aligned).</summary>
    public Status Unmap(ulong address, ulong bytes) => Set(address, bytes, 0, 0, stepTarget: false);

    /// <summary>The leaf entry of the page that holds <paramref name="address"/>, 0 if there is none; and the page's size as a shift.</summary>
    public ulong Lookup(ulong address, out int shift)
    {
        ulong* table = _root;
        for (int level = Levels - 1; ; level--)
        {
            shift = PageSize.SmallShift + level * BitsPerLevel;
            if (address >= Reach)
                return 0;
            ulong entry = Volatile.Read(ref table[(int)(address >> shift) & (EntriesPerTable - 1)]);
            if (!_format.IsPresent(entry))
                return 0;
            if (level == 0 || _format.IsLarge(entry))
                return entry;
            table = (ulong*)(entry & NestedFormat.AddressMask);
        }
    }

    /// <summary>
    /// As <see cref="Lookup"/>; <paramref name="next"/> is the next address that can have an entry: the next page, or past a table that
    /// is not there. For walking sparse ranges.
    /// </summary>
    public ulong LookupOrSkip(ulong address, out ulong next)
    {
        ulong* table = _root;
        for (int level = Levels - 1; ; level--)
        {
            int shift = PageSize.SmallShift + level * BitsPerLevel;
            next = ((address >> shift) + 1) << shift;
            ulong entry = address >= Reach ? 0 : table[(int)(address >> shift) & (EntriesPerTable - 1)];
            if (!_format.IsPresent(entry))
                return 0;
            if (level == 0 || _format.IsLarge(entry))
                return entry;
            table = (ulong*)(entry & NestedFormat.AddressMask);
        }
    }

    /// <summary>The host-physical address behind <paramref name="address"/>, and whether its page may be written.</summary>
    public Result<HostPhysical> Translate(ulong address, out bool writable)
    {
        ulong entry = Lookup(address, out int shift);
        writable = _format.IsWritable(entry);
        if (entry == 0)
            return Status.NotFound;
        ulong offset = (1ul << shift) - 1;
        return new HostPhysical((entry & NestedFormat.AddressMask & ~offset) | (address & offset));
    }

    /// <summary>
    /// A pointer to the 4 KiB entry for <paramref name="address"/>, making tables and splitting large pages on the way;
    /// null if a table page is missing.
    /// </summary>
    public ulong* SmallEntry(ulong address) => Descend(address, downTo: 0);

    /// <summary>
    /// Takes the right to write from what is mapped in [start, end), 4 KiB aligned. Large pages stay large unless the range ends within them.
    /// <paramref name="changed"/> counts the entries. <see cref="Status.OutOfMemory"/> if a table page is missing.
    /// </summary>
    public Status Protect(ulong start, ulong end, out ulong changed)
    {
        changed = 0;
        for (ulong at = start; at < end;)
        {
            ulong* entry = Find(at, out int level);
            int shift = PageSize.SmallShift + level * BitsPerLevel;
            ulong next = ((at >> shift) + 1) << shift;
            if (_format.IsPresent(*entry))
            {
                bool whole = (at & ((1ul << shift) - 1)) == 0 && next <= end;
                if (!whole)
                {
                    if (Descend(at, level - 1) == null)
                        return Status.OutOfMemory;
                    continue;
                }
                if (_format.IsWritable(*entry))
                {
                    Volatile.Write(ref *entry, _format.ReadOnly(*entry));
                    changed++;
                }
            }
            at = next;
        }
        return Status.Ok;
    }

    /// <summary>
    /// Gives the right to write to the 4 KiB page that holds <paramref name="address"/>; a large page is split for that. <see cref="Status.NotFound"/>
    /// if nothing is mapped. <see cref="Status.OutOfMemory"/> if a table page is missing: then the large page as a whole may be written.
    /// </summary>
    public Status AllowWrite(ulong address)
    {
        if (Lookup(address, out _) == 0)
            return Status.NotFound;
        ulong* entry = Descend(address, downTo: 0);
        Status status = entry != null ? Status.Ok : Status.OutOfMemory;
        if (entry == null)
            entry = Find(address, out _);
        Volatile.Write(ref *entry, _format.ReadWrite(*entry));
        return status;
    }

    /// <summary>Gives all table pages but the root back and leaves the table empty.</summary>
    public void Clear()
    {
        FreeBelow(_root, Levels - 1);
        for (int i = 0; i < EntriesPerTable; i++)
            _root[i] = 0;
    }

    // The entry at which a walk ends: a leaf, or one that is not present.
    private ulong* Find(ulong address, out int level)
    {
        ulong* table = _root;
        for (level = Levels - 1; ; level--)
        {
            ulong* entry = &table[(int)(address >> (PageSize.SmallShift + level * BitsPerLevel)) & (EntriesPerTable - 1)];
            if (level == 0 || !_format.IsPresent(*entry) || _format.IsLarge(*entry))
                return entry;
            table = (ulong*)(*entry & NestedFormat.AddressMask);
        }
    }

    private Status Set(ulong address, ulong bytes, ulong target, ulong leaf, bool stepTarget)
    {
        if (((address | bytes | target) & (PageSize.Small - 1)) != 0 || address >= Reach || bytes > Reach - address)
            return Status.InvalidArgument;
        while (bytes != 0)
        {
            int level = LargestLevel(address, target, bytes);
            int shift = PageSize.SmallShift + level * BitsPerLevel;
            ulong* entry = Descend(address, level);
            if (entry == null)
                return Status.OutOfMemory;
            ulong old = *entry;
            ulong made = leaf == 0 ? 0 : target | leaf | (level > 0 ? _format.LargeBits : 0);
            Volatile.Write(ref *entry, made);
            if (level > 0 && _format.IsPresent(old) && !_format.IsLarge(old))
            {
                ulong* table = (ulong*)(old & NestedFormat.AddressMask);
                FreeBelow(table, level - 1);
                _pages.ReturnPage((byte*)table);
            }
            ulong step = 1ul << shift;
            address += step;
            bytes -= step;
            if (stepTarget)
                target += step;
        }
        return Status.Ok;
    }

    private int LargestLevel(ulong address, ulong target, ulong bytes)
    {
        for (int level = _largestLevel; level > 0; level--)
        {
            ulong size = 1ul << (PageSize.SmallShift + level * BitsPerLevel);
            if (((address | target) & (size - 1)) == 0 && bytes >= size)
                return level;
        }
        return 0;
    }

    // The entry of the given level that covers the address; large pages above it are split.
    private ulong* Descend(ulong address, int downTo)
    {
        ulong* table = _root;
        for (int level = Levels - 1; ; level--)
        {
            int shift = PageSize.SmallShift + level * BitsPerLevel;
            ulong* entry = &table[(int)(address >> shift) & (EntriesPerTable - 1)];
            if (level == downTo)
                return entry;
            ulong value = *entry;
            if (!_format.IsPresent(value) || _format.IsLarge(value))
            {
                ulong* made = (ulong*)_pages.TakePage();
                if (made == null)
                    return null;
                if (_format.IsPresent(value))
                    Split(value, level, made);
                Volatile.Write(ref *entry, _format.Table(new HostPhysical((ulong)made), level));
                table = made;
            }
            else
            {
                table = (ulong*)(value & NestedFormat.AddressMask);
            }
        }
    }

    // The leaf's large-page bit stays on 2 MiB pieces and goes from 4 KiB ones, where it would mean another thing.
    private void Split(ulong leaf, int level, ulong* into)
    {
        ulong step = 1ul << (PageSize.SmallShift + (level - 1) * BitsPerLevel);
        ulong piece = level == 1 ? leaf & ~_format.LargeBits : leaf;
        for (int i = 0; i < EntriesPerTable; i++)
            into[i] = piece + (ulong)i * step;
    }

    private void FreeBelow(ulong* table, int level)
    {
        if (level == 0)
            return;
        for (int i = 0; i < EntriesPerTable; i++)
        {
            ulong entry = table[i];
            if (!_format.IsPresent(entry) || _format.IsLarge(entry))
                continue;
            ulong* below = (ulong*)(entry & NestedFormat.AddressMask);
            FreeBelow(below, level - 1);
            _pages.ReturnPage((byte*)below);
        }
    }
}
