using System;
using System.Collections.Generic;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.HostTests;

/// <summary>A pool that notices pages given back twice or by strangers, and makes stale use visible.</summary>
public sealed unsafe class ModelPool : PageSource, IDisposable
{
    private readonly DiskMemory _memory;
    private readonly Stack<nint> _free = [];
    private readonly HashSet<nint> _taken = [];

    public ModelPool(int pages)
    {
        _memory = new DiskMemory(pages, low: false);
        for (int i = 0; i < pages; i++)
            _free.Push((nint)_memory.Page(i));
    }

    public override ulong FreePages => (ulong)_free.Count;

    public int Taken => _taken.Count;

    public override byte* TakePage()
    {
        if (_free.Count == 0)
            return null;
        nint page = _free.Pop();
        _taken.Add(page);
        new Span<byte>((void*)page, (int)PageSize.Small).Clear();
        return (byte*)page;
    }

    public override void ReturnPage(byte* page)
    {
        if (!_taken.Remove((nint)page))
            throw new InvalidOperationException("a page is given back that was not taken");
        new Span<byte>(page, (int)PageSize.Small).Fill(0xDD);
        _free.Push((nint)page);
    }

    public void Dispose() => _memory.Dispose();
}
