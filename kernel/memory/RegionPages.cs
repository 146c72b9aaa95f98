using System;

namespace Hv.Kernel.Memory;

/// <summary>Pages out of Hv's own region: taken in order, given back to a list. For tables that exist as long as Hv.</summary>
public sealed unsafe class RegionPages : PageSource
{
    private byte* _next;
    private readonly byte* _end;
    private byte** _free;
    private ulong _freeCount;

    /// <summary>Hands out [start, end), 4 KiB aligned.</summary>
    public RegionPages(byte* start, byte* end)
    {
        _next = start;
        _end = end;
    }

    /// <inheritdoc/>
    public override ulong FreePages => (ulong)(_end - _next) / PageSize.Small + _freeCount;

    /// <inheritdoc/>
    public override byte* TakePage()
    {
        byte* page;
        if (_free != null)
        {
            page = (byte*)_free;
            _free = *(byte***)page;
            _freeCount--;
        }
        else if (_end - _next >= PageSize.Small)
        {
            page = _next;
            _next += PageSize.Small;
        }
        else
        {
            return null;
        }
        new Span<byte>(page, (int)PageSize.Small).Clear();
        return page;
    }

    /// <summary>Takes <paramref name="count"/> zeroed pages in a row; stops Hv if they are not there: used while booting.</summary>
    public byte* TakeRun(uint count)
    {
        Invariant.Holds((ulong)(_end - _next) >= count * (ulong)PageSize.Small, "Hv's region is too small");
        byte* run = _next;
        _next += count * PageSize.Small;
        new Span<byte>(run, (int)(count * PageSize.Small)).Clear();
        return run;
    }

    /// <inheritdoc/>
    public override void ReturnPage(byte* page)
    {
        *(byte***)page = _free;
        _free = (byte**)page;
        _freeCount++;
    }
}
