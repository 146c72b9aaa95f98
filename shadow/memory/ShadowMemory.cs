using System;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Machine;

namespace Hv.Shadow.Memory;

/// <summary>
/// A shadow's memory: snapshot pages are shared until the first write, all other memory appears zeroed when it is first touched.
/// Everything it has of its own lies in the pool.
/// </summary>
/// <remarks>Used by the processor that runs the shadow, or while it is stopped.</remarks>
public sealed unsafe class ShadowMemory
{
    private const ulong FirmwareFlash = 0xFF00_0000, FourGigabytes = 1ul << 32;

    private readonly PagePool _pool;
    private readonly SnapshotMemory _snapshot;
    private readonly MemoryRanges _ranges;
    private readonly PageTable _table;
    private readonly ulong _frameBuffer;
    private readonly ulong _frameBufferEnd;

    /// <summary>Makes an empty one; <paramref name="table"/> takes its pages from the pool.</summary>
    public ShadowMemory(PagePool pool, SnapshotMemory snapshot, MemoryRanges ranges, PageTable table, ulong frameBuffer, ulong frameBufferBytes)
    {
        _pool = pool;
        _snapshot = snapshot;
        _ranges = ranges;
        _table = table;
        _frameBuffer = frameBuffer;
        _frameBufferEnd = frameBuffer + ((frameBufferBytes + PageSize.Small - 1) & ~(ulong)(PageSize.Small - 1));
    }

    /// <summary>The nested page table.</summary>
    public PageTable Table => _table;

    /// <summary>Pages that were copied because the shadow wrote to them.</summary>
    public ulong PagesCopied { get; private set; }

    /// <summary>Pages that were given zeroed.</summary>
    public ulong PagesZeroFilled { get; private set; }

    /// <summary>The pool was empty when a page was needed: the shadow cannot go on.</summary>
    public bool RanOutOfMemory { get; private set; }

    /// <summary>
    /// The last <see cref="Provide"/> changed a mapping that the processor may have cached; where nothing was mapped, nothing was.
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
        if (page.Value >= _frameBuffer && page.Value < _frameBufferEnd)
            return TakeZeroed(page);
        // The firmware's flash can be read; commands to it go nowhere.
        if (!write && page.Value >= FirmwareFlash && page.Value < FourGigabytes)
            return Map(page, (byte*)page.Value, PageAccess.Execute);
        return false;
    }

    /// <summary>Gives everything back to the pool and forgets the numbers.</summary>
    public void Clear()
    {
        ForEachOwnPage(moveHome: false);
        _table.Clear();
        PagesCopied = 0;
        PagesZeroFilled = 0;
        RanOutOfMemory = false;
    }

    /// <summary>
    /// Copies every page that the shadow has seen to the place that has its guest-physical address as host-physical one, and gives
    /// the pool its pages back. The memory of the old primary is overwritten: it must never run again.
    /// </summary>
    public void MoveHome()
    {
        ForEachOwnPage(moveHome: true);
        _table.Clear();
    }

    private bool ProvideMemory(GuestPhysical page, bool write)
    {
        byte* kept = _snapshot.Find(page);
        if (kept == null)
            return TakeZeroed(page);
        if (!write)
            return Map(page, kept, PageAccess.Execute);
        byte* own = _pool.TakePageUncleared();
        if (own == null)
            return Fail();
        new ReadOnlySpan<byte>(kept, (int)PageSize.Small).CopyTo(new Span<byte>(own, (int)PageSize.Small));
        PagesCopied++;
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
        RanOutOfMemory = true;
        return false;
    }

    // Walks what can hold pages: memory ranges and the frame buffer.
    private void ForEachOwnPage(bool moveHome)
    {
        for (int i = 0; i < _ranges.Count; i++)
            Release(_ranges.Start(i), _ranges.End(i), moveHome);
        Release(_frameBuffer, _frameBufferEnd, moveHome);
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
                // A page that cannot be written is the snapshot's own.
                if (_table.Format.IsWritable(entry))
                    _pool.ReturnPage(page);
            }
            at = next;
        }
    }
}
