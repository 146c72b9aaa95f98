using System;
using System.Numerics;

namespace Hv.Kernel.Memory;

/// <summary>The pool: 4 KiB pages in up to <see cref="MaxExtents"/> runs of physical memory, with one bit per page.</summary>
/// <remarks>With the machine's lock, or while the other processors are stopped, or while booting.</remarks>
public sealed unsafe class PagePool : PageSource
{
    /// <summary>How many separate runs of memory the pool can consist of.</summary>
    public const int MaxExtents = 8;

    private const int BitsPerWord = 64;

    private struct Extent
    {
        public byte* Start;
        public ulong Pages;
        public ulong* Free;       // one bit per page, set while the page is free
        public ulong Cursor;      // word at which the search goes on
    }

    private readonly Extent[] _extents = new Extent[MaxExtents];
    private int _count;
    private ulong _freePages;
    private ulong _totalPages;

    /// <inheritdoc/>
    public override ulong FreePages => _freePages;

    /// <summary>Pages that can be taken when nothing is taken.</summary>
    public ulong TotalPages => _totalPages;

    /// <summary>Adds a run of memory; its first pages hold the bitmap.</summary>
    public Status Add(HostPhysical start, ulong pages)
    {
        if (_count == MaxExtents)
            return Status.OutOfMemory;
        ulong words = (pages + BitsPerWord - 1) / BitsPerWord;
        ulong bitmapPages = (words * sizeof(ulong) + PageSize.Small - 1) / PageSize.Small;
        if (pages <= bitmapPages)
            return Status.InvalidArgument;
        ulong* free = (ulong*)start.Value;
        pages -= bitmapPages;
        for (ulong i = 0; i < words; i++)
        {
            ulong left = pages > i * BitsPerWord ? pages - i * BitsPerWord : 0;
            free[i] = left >= BitsPerWord ? ulong.MaxValue : (1ul << (int)left) - 1;
        }
        ref Extent extent = ref _extents[_count++];
        extent.Start = (byte*)start.Value + bitmapPages * PageSize.Small;
        extent.Pages = pages;
        extent.Free = free;
        extent.Cursor = 0;
        _freePages += pages;
        _totalPages += pages;
        return Status.Ok;
    }

    /// <inheritdoc/>
    public override byte* TakePage()
    {
        byte* page = TakePageUncleared();
        if (page != null)
            new Span<byte>(page, (int)PageSize.Small).Clear();
        return page;
    }

    /// <summary>Takes a page with whatever is in it: for callers that overwrite all of it.</summary>
    public byte* TakePageUncleared()
    {
        for (int i = 0; i < _count; i++)
        {
            ref Extent extent = ref _extents[i];
            ulong words = (extent.Pages + BitsPerWord - 1) / BitsPerWord;
            for (ulong n = 0; n < words; n++)
            {
                ulong word = extent.Cursor;
                ulong free = extent.Free[word];
                if (free == 0)
                {
                    extent.Cursor = word + 1 == words ? 0 : word + 1;
                    continue;
                }
                int bit = BitOperations.TrailingZeroCount(free);
                extent.Free[word] = free & ~(1ul << bit);
                _freePages--;
                return extent.Start + (word * BitsPerWord + (ulong)bit) * PageSize.Small;
            }
        }
        return null;
    }

    /// <summary>Takes <paramref name="count"/> zeroed pages in a row; null if there are none. Slow: used while booting.</summary>
    public byte* TakeRun(uint count)
    {
        for (int i = 0; i < _count; i++)
        {
            ref Extent extent = ref _extents[i];
            ulong run = 0;
            for (ulong page = 0; page < extent.Pages; page++)
            {
                run = (extent.Free[page / BitsPerWord] >> (int)(page % BitsPerWord) & 1) == 0 ? 0 : run + 1;
                if (run != count)
                    continue;
                ulong first = page + 1 - count;
                for (ulong taken = first; taken <= page; taken++)
                    extent.Free[taken / BitsPerWord] &= ~(1ul << (int)(taken % BitsPerWord));
                _freePages -= count;
                byte* start = extent.Start + first * PageSize.Small;
                new Span<byte>(start, (int)(count * PageSize.Small)).Clear();
                return start;
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public override void ReturnPage(byte* page)
    {
        for (int i = 0; i < _count; i++)
        {
            ref Extent extent = ref _extents[i];
            ulong index = (ulong)(page - extent.Start) / PageSize.Small;
            if (page < extent.Start || index >= extent.Pages)
                continue;
            ulong bit = 1ul << (int)(index % BitsPerWord);
            Invariant.Holds((extent.Free[index / BitsPerWord] & bit) == 0, "page returned to the pool twice");
            extent.Free[index / BitsPerWord] |= bit;
            _freePages++;
            return;
        }
        Invariant.Holds(false, "page returned to a pool that it is not from");
    }

    /// <summary>Whether the page at <paramref name="page"/> belongs to the pool.</summary>
    public bool Owns(byte* page)
    {
        for (int i = 0; i < _count; i++)
        {
            if (page >= _extents[i].Start && (ulong)(page - _extents[i].Start) / PageSize.Small < _extents[i].Pages)
                return true;
        }
        return false;
    }
}
