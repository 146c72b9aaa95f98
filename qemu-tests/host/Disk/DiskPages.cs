using System;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.HostTests;

/// <summary>A pool for drivers under test.</summary>
public sealed unsafe class DiskPages : PageSource, IDisposable
{
    private readonly DiskMemory _memory;
    private int _taken;

    public DiskPages(int pages, bool low = false) => _memory = new DiskMemory(pages, low);

    public override ulong FreePages => (ulong)(_memory.Pages - _taken);

    public override byte* TakePage() => _taken == _memory.Pages ? null : _memory.Page(_taken++);

    public override void ReturnPage(byte* page)
    {
    }

    public void Dispose() => _memory.Dispose();
}
