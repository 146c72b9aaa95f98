using System;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Machine;

namespace Hv.Shadow.Memory;

/// <summary>
/// A shadow's memory. Of a shadow that starts at the boot snapshot: the snapshot's pages are shared until the first write, all other memory appears
/// zeroed when it is first touched. Of a fork: all memory is the primary's until the first write on either side. Everything it has of its own
/// lies in the pool; the pages of its screen are there for good.
/// </summary>
/// <remarks>With the machine's lock, or while the other processors are stopped.</remarks>
public sealed unsafe class ShadowMemory
{
    private const ulong FirmwareFlash = 0xFF00_0000, FourGigabytes = 1ul << 32;

    private readonly PagePool _pool;
    private readonly SnapshotMemory _snapshot;
    private readonly MemoryRanges _ranges;
    private readonly PageTable _table;
    private readonly ShadowScreen _screen;
    private bool _sharesPrimary;

    /// <summary>Makes an empty one; <paramref name="table"/> takes its pages from the pool.</summary>
    public ShadowMemory(PagePool pool, SnapshotMemory snapshot, MemoryRanges ranges, PageTable table, ShadowScreen screen)
    {
        _pool = pool;
        _snapshot = snapshot;
        _ranges = ranges;
        _table = table;
        _screen = screen;
    }

    /// <summary>The nested page table.</summary>
    public PageTable Table => _table;

    /// <summary>Pages that were copied because the shadow wrote to them.</summary>
    public ulong PagesCopied { get; private set; }

    /// <summary>Old pages that were kept for the shadow because the primary was about to write to them.</summary>
    public ulong PagesKept { get; private set; }

    /// <summary>Pages of its own that the shadow has.</summary>
    public ulong OwnPages => PagesCopied + PagesKept + PagesZeroFilled;

    /// <summary>Pages of memory that it could have of its own, at most.</summary>
    public ulong MemoryPages
    {
        get
        {
            ulong pages = 0;
            for (int i = 0; i < _ranges.Count; i++)
                pages += (_ranges.End(i) - _ranges.Start(i)) >> PageSize.SmallShift;
            return pages;
        }
    }

    /// <summary>Pages that were given zeroed.</summary>
    public ulong PagesZeroFilled { get; private set; }

    /// <summary>The pool was empty when a page was needed: the shadow cannot go on.</summary>
    public bool RanOutOfMemory { get; private set; }

    /// <summary>
    /// The last <see cref="Provide"/> or <see cref="KeepOldCopy"/> changed a mapping that the processor may have cached; where nothing was mapped, nothing was.
    /// </summary>
    public bool ReplacedMapping { get; private set; }

    /// <summary>
    /// Gives the shadow the page at <paramref name="address"/>, for writing too if <paramref name="write"/>. False: there is no memory, or
    /// the pool is empty (<see cref="RanOutOfMemory"/>).
    /// </summary>
    public bool Provide(GuestPhysical address, bool write)
    {
        GuestPhysical page = address.PageBase;
        ulong entry = _table.Lookup(page.Value, out _);
        ReplacedMapping = false;
        if (entry != 0 && (!write || _table.Format.IsWritable(entry)))
            return true;
        ReplacedMapping = entry != 0;
        if (_ranges.Contains(page.Value))
            return ProvideMemory(page, write);
        if (_screen.Contains(page))
            return Map(page, _screen.Touch(page), PageAccess.All);
        // The firmware's flash can be read; commands to it go nowhere.
        if (!write && page.Value >= FirmwareFlash && page.Value < FourGigabytes)
            return Map(page, (byte*)page.Value, PageAccess.Execute);
        return false;
    }

    /// <summary>From now on, until <see cref="Clear"/>, all memory is the primary's until it is written. The memory must be empty.</summary>
    public void Share() => _sharesPrimary = true;

    /// <summary>The primary is about to write to a page (its first byte's address): the shadow gets a copy, unless it has one of its own.</summary>
    public void KeepOldCopy(GuestPhysical page)
    {
        ulong entry = _table.Lookup(page.Value, out _);
        ReplacedMapping = entry != 0;
        if (entry != 0 && _table.Format.IsWritable(entry))
        {
            ReplacedMapping = false;
            return;
        }
        if (CopyOf(page, (byte*)page.Value))
            PagesKept++;
    }

    /// <summary>A page that the shadow needs is not to be had: it cannot go on.</summary>
    public void GiveUp() => RanOutOfMemory = true;

    /// <summary>Gives everything back to the pool and forgets the numbers.</summary>
    public void Clear()
    {
        ForEachOwnPage(moveHome: false);
        _table.Clear();
        PagesCopied = 0;
        PagesKept = 0;
        PagesZeroFilled = 0;
        RanOutOfMemory = false;
        _sharesPrimary = false;
    }

    /// <summary>
    /// Copies every page that the shadow has seen to the place that has its guest-physical address as host-physical one, and gives
    /// the pool its pages back. The memory of the old primary is overwritten: it must never run again. The screen is left to
    /// <see cref="ShadowScreen.MoveHome"/>.
    /// </summary>
    public void MoveHome()
    {
        ForEachOwnPage(moveHome: true);
        _table.Clear();
    }

    private bool ProvideMemory(GuestPhysical page, bool write)
    {
        byte* shared = _sharesPrimary ? (byte*)page.Value : _snapshot.Find(page);
        if (shared == null)
            return TakeZeroed(page);
        if (!write)
            return Map(page, shared, PageAccess.Execute);
        bool copied = CopyOf(page, shared);
        if (copied)
            PagesCopied++;
        return copied;
    }

    private bool CopyOf(GuestPhysical page, byte* shared)
    {
        byte* own = _pool.TakePageUncleared();
        if (own == null)
            return Fail();
        new ReadOnlySpan<byte>(shared, (int)PageSize.Small).CopyTo(new Span<byte>(own, (int)PageSize.Small));
        return MapOwn(page, own);
    }

    private bool TakeZeroed(GuestPhysical page)
    {
        byte* own = _pool.TakePage();
        if (own == null)
            return Fail();
        PagesZeroFilled++;
        return MapOwn(page, own);
    }

    private bool MapOwn(GuestPhysical page, byte* own)
    {
        if (Map(page, own, PageAccess.All))
            return true;
        _pool.ReturnPage(own);
        return false;
    }

    private bool Map(GuestPhysical page, byte* target, PageAccess access) =>
        _table.Map(page.Value, new HostPhysical((ulong)target), PageSize.Small, access, MemoryType.WriteBack) == Status.Ok || Fail();

    private bool Fail()
    {
        GiveUp();
        return false;
    }

    private void ForEachOwnPage(bool moveHome)
    {
        for (int i = 0; i < _ranges.Count; i++)
            Release(_ranges.Start(i), _ranges.End(i), moveHome);
    }

    private void Release(ulong start, ulong end, bool moveHome)
    {
        for (ulong at = start; at < end;)
        {
            ulong entry = _table.LookupOrSkip(at, out ulong next);
            if (entry != 0)
            {
                byte* page = (byte*)(entry & NestedFormat.AddressMask);
                if (moveHome)
                    new ReadOnlySpan<byte>(page, (int)PageSize.Small).CopyTo(new Span<byte>((byte*)at, (int)PageSize.Small));
                // A page that cannot be written is the snapshot's or the primary's own.
                if (_table.Format.IsWritable(entry))
                    _pool.ReturnPage(page);
            }
            at = next;
        }
    }
}
