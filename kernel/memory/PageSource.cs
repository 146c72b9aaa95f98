namespace Hv.Kernel.Memory;

/// <summary>Where 4 KiB pages come from: the pool in Hv, native memory in tests.</summary>
public abstract unsafe class PageSource
{
    /// <summary>Takes one page of 4 KiB, 4 KiB aligned, zeroed; null if none is left.</summary>
    public abstract byte* TakePage();

    /// <summary>Gives back a page that <see cref="TakePage"/> gave.</summary>
    public abstract void ReturnPage(byte* page);

    /// <summary>How many pages can still be taken.</summary>
    public abstract ulong FreePages { get; }
}
