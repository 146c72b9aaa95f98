using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Svm;

/// <summary>AMD-V with nested paging, before there are VMCBs.</summary>
public unsafe struct SvmVirtualization : IVirtualization<SvmBackend>
{
    /// <inheritdoc/>
    public readonly PageTable NewNestedTable(PageSource pages) => new(NestedFormat.LongMode, pages, AddressSpace.HasHugePages);

    /// <inheritdoc/>
    public readonly MtrrMap? ReadMemoryTypes() => null;

    /// <inheritdoc/>
    public readonly Status Enable(RegionPages pages) => SvmProcessor.Enable(new HostPhysical((ulong)pages.TakePage()));

    /// <inheritdoc/>
    public readonly void Initialize(ref SvmBackend backend, RegionPages pages, HostDescriptors descriptors, HostPhysical nestedRoot)
    {
        var maps = new SvmPermissionMaps(pages.TakeRun(SvmPermissionMaps.IoPages), pages.TakeRun(SvmPermissionMaps.MsrPages));
        maps.SetMsr(Msr.Efer, true, true);
        maps.SetMsr(Msr.VmCr, true, true);
        maps.SetMsr(Msr.VmHsavePa, true, true);
        byte* hostVmcb = pages.TakePage();
        Stubs.Vmsave((ulong)hostVmcb);
        backend.Initialize(pages.TakePage(), hostVmcb, maps.Io, maps.Msrs, nestedRoot);
    }
}
