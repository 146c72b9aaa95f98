using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Bench;

/// <summary>Pages for parts of Hv that run on the host. Given back when disposed of.</summary>
internal sealed unsafe class NativePages : PageSource, IDisposable
{
    private readonly List<nint> pages = [];

    /// <inheritdoc/>
    public override ulong FreePages => ulong.MaxValue;

    /// <inheritdoc/>
    public override byte* TakePage()
    {
        void* page = NativeMemory.AlignedAlloc(PageSize.Small, PageSize.Small);
        NativeMemory.Clear(page, PageSize.Small);
        pages.Add((nint)page);
        return (byte*)page;
    }

    /// <inheritdoc/>
    public override void ReturnPage(byte* page) { }

    /// <inheritdoc/>
    public void Dispose() => pages.ForEach(page => NativeMemory.AlignedFree((void*)page));
}
