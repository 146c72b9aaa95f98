using System;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Memory;

/// <summary>
/// The memory that the firmware uses, as it stood at the boot snapshot, in pages of the pool. Zero pages take none. Kept as long as
/// Hv runs: every shadow starts from it.
/// </summary>
public sealed unsafe class SnapshotMemory
{
    private const int MaxRanges = 512;

    private readonly PagePool _pool;
    private readonly PageTable _pages;
    private readonly MemoryRanges _ranges = new(MaxRanges);

    /// <summary>Starts empty; pages, and the index of them, come from <paramref name="pool"/>.</summary>
    public SnapshotMemory(PagePool pool)
    {
        _pool = pool;
        _pages = new PageTable(NestedFormat.LongMode, pool, hugePages: false);
    }

    /// <summary>Pages kept.</summary>
    public ulong Count { get; private set; }

    /// <summary>
    /// Copies [start, end), guest-physical = host-physical; <paramref name="isRestored"/>: <see cref="Restore"/> puts it back, too. <see cref="Status.OutOfMemory"/> if
    /// the pool is too small.
    /// </summary>
    public Status Copy(ulong start, ulong end, bool isRestored = true)
    {
        Status added = isRestored ? _ranges.Add(start, end) : Status.Ok;
        if (added != Status.Ok)
            return added;
        for (ulong at = start; at < end; at += PageSize.Small)
        {
            var source = new ReadOnlySpan<byte>((byte*)at, (int)PageSize.Small);
            if (IsZero((ulong*)at))
                continue;
            byte* page = _pool.TakePageUncleared();
            if (page == null)
                return Status.OutOfMemory;
            source.CopyTo(new Span<byte>(page, (int)PageSize.Small));
            Status status = _pages.Map(at, new HostPhysical((ulong)page), PageSize.Small, PageAccess.Read, MemoryType.WriteBack);
            if (status != Status.Ok)
                return status;
            Count++;
        }
        return Status.Ok;
    }

    /// <summary>The kept page for a guest-physical address; null if it was zero or is not part of the snapshot.</summary>
    public byte* Find(GuestPhysical address)
    {
        ulong entry = _pages.Lookup(address.Value, out _);
        return (byte*)(entry & NestedFormat.AddressMask);
    }

    /// <summary>Makes the memory at its own place what it was. Nobody may use it meanwhile.</summary>
    public void Restore()
    {
        for (int i = 0; i < _ranges.Count; i++)
        {
            for (ulong at = _ranges.Start(i); at < _ranges.End(i); at += PageSize.Small)
                RestorePage(at);
        }
    }

    private void RestorePage(ulong at)
    {
        var place = new Span<byte>((byte*)at, (int)PageSize.Small);
        byte* kept = Find(new GuestPhysical(at));
        if (kept == null)
            place.Clear();
        else
            new ReadOnlySpan<byte>(kept, (int)PageSize.Small).CopyTo(place);
    }

    private static bool IsZero(ulong* words)
    {
        for (int i = 0; i < PageSize.Small / sizeof(ulong); i++)
        {
            if (words[i] != 0)
                return false;
        }
        return true;
    }
}
