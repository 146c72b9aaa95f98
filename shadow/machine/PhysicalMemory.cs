using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Machine;

/// <summary>The primary's memory as emulation sees it: what its nested table maps, where memory is.</summary>
public sealed unsafe class PhysicalMemory : GuestMemory
{
    private readonly PageTable _nested;

    /// <summary>Reads through <paramref name="nested"/>.</summary>
    public PhysicalMemory(PageTable nested) => _nested = nested;

    /// <inheritdoc/>
    public override byte* Page(GuestPhysical address, bool write)
    {
        Result<HostPhysical> page = _nested.Translate(address.PageBase.Value, out bool writable);
        if (!page.IsOk || write && !writable)
            return null;
        return (byte*)page.Value.Value;
    }
}
