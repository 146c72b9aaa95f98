using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Machine;

/// <summary>A VM's memory as emulation and virtual DMA see it: what its nested table maps, a shadow's missing pages provided and a primary's shared ones broken first.</summary>
public sealed unsafe class VmMemory : GuestMemory
{
    private readonly GuestVm _vm;
    private readonly ulong _memoryEnd;

    /// <summary>The memory of <paramref name="vm"/>; addresses from <paramref name="memoryEnd"/> on are never memory.</summary>
    public VmMemory(GuestVm vm, ulong memoryEnd)
    {
        _vm = vm;
        _memoryEnd = memoryEnd;
    }

    /// <inheritdoc/>
    public override byte* Page(GuestPhysical address, bool write)
    {
        if (_vm.IsShadow && !_vm.ShadowMemory.Provide(address, write))
            return null;
        if (_vm.IsShadow && _vm.ShadowMemory.ReplacedMapping)
            _vm.FlushNested();
        if (!_vm.IsShadow && address.Value >= _memoryEnd)
            return null;
        if (!_vm.IsShadow && write)
            _ = _vm.BreakSharing(address);
        Result<HostPhysical> page = _vm.Nested.Translate(address.PageBase.Value, out bool writable);
        if (!page.IsOk || write && !writable)
            return null;
        return (byte*)page.Value.Value;
    }
}
