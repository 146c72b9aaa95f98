using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Memory;

/// <summary>
/// The primary's side of a fork (DESIGN D6): its memory cannot be written while a shadow shares it. The first write to a page gives the shadow the old
/// contents; the primary keeps the page itself, so that its devices' DMA stays right.
/// </summary>
/// <remarks>
/// With the machine's lock, or while the other processors are stopped. What a passed-through device writes into a shared page is not seen here: the shadow
/// may find it changed. Who ends the sharing maps the primary's memory anew.
/// </remarks>
public sealed class MemorySharing
{
    private readonly PageTable _primary;
    private readonly MemoryRanges _ranges;
    private ShadowMemory? _shadow;

    /// <summary>For the primary's table and the guest's memory ranges. While booting only.</summary>
    public MemorySharing(PageTable primary, MemoryRanges ranges)
    {
        _primary = primary;
        _ranges = ranges;
    }

    /// <summary>Whether a shadow shares the primary's memory.</summary>
    public bool IsActive => _shadow != null;

    /// <summary>Entries of the primary's table that the last fork changed: the work that it was.</summary>
    public ulong EntriesChanged { get; private set; }

    /// <summary>Pages of 4 KiB that the last fork shared.</summary>
    public ulong PagesShared { get; private set; }

    /// <summary>Pages that the primary has got back for itself since: by its own writes, or because Hv wrote for it.</summary>
    public ulong PagesBroken { get; private set; }

    /// <summary>
    /// Lets <paramref name="shadow"/>, which is empty, share all memory. The caller flushes the primary's translations. <see cref="Status.OutOfMemory"/>
    /// if a table page is missing: nothing is shared then, but some of the primary's memory may be read-only.
    /// </summary>
    public Status Begin(ShadowMemory shadow)
    {
        EntriesChanged = PagesShared = PagesBroken = 0;
        for (int i = 0; i < _ranges.Count; i++)
        {
            Status status = _primary.Protect(_ranges.Start(i), _ranges.End(i), out ulong changed);
            EntriesChanged += changed;
            if (status != Status.Ok)
                return status;
            PagesShared += (_ranges.End(i) - _ranges.Start(i)) >> PageSize.SmallShift;
        }
        _shadow = shadow;
        shadow.Share();
        return Status.Ok;
    }

    /// <summary>
    /// The primary is about to write to a page: the shadow gets the old contents. False: this is no shared memory. True: the caller flushes the shadow's
    /// translations if <see cref="ShadowMemory.ReplacedMapping"/>, and then lets the primary write (<see cref="AllowWrite"/>), unless it may already
    /// (<paramref name="isBroken"/>).
    /// </summary>
    public bool Break(GuestPhysical address, out bool isBroken)
    {
        isBroken = true;
        if (_shadow == null || !_ranges.Contains(address.Value))
            return false;
        ulong entry = _primary.Lookup(address.Value, out _);
        if (entry == 0)
            return false;
        // Another write has broken the sharing, and the processor still remembers the entry before.
        if (_primary.Format.IsWritable(entry))
            return true;
        isBroken = false;
        _shadow.KeepOldCopy(address.PageBase);
        PagesBroken++;
        return true;
    }

    /// <summary>
    /// No processor of the shadow reads the page any more: the primary may write to it. Even if the pool was empty, which <see cref="ShadowMemory.RanOutOfMemory"/> says: the shadow
    /// must not run again then.
    /// </summary>
    public void AllowWrite(GuestPhysical address)
    {
        if (_primary.AllowWrite(address.Value) == Status.OutOfMemory)
            _shadow!.GiveUp();
    }

    /// <summary>No shadow shares the memory any more.</summary>
    public void End() => _shadow = null;
}
