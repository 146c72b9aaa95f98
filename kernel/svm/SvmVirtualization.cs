using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Svm;

/// <summary>AMD-V with nested paging, before there are VMCBs.</summary>
public unsafe struct SvmVirtualization : IVirtualization<SvmBackend>
{
    private uint _lastAsid;
    private HostPhysical _hostSave;

    /// <inheritdoc/>
    public readonly PageTable NewNestedTable(PageSource pages) => new(NestedFormat.LongMode, pages, AddressSpace.HasHugePages);

    /// <inheritdoc/>
    public readonly MtrrMap? ReadMemoryTypes() => null;

    /// <inheritdoc/>
    public Status Enable(RegionPages pages)
    {
        _hostSave = new HostPhysical((ulong)pages.TakePage());
        return EnableAgain(_hostSave);
    }

    /// <inheritdoc/>
    public readonly HostPhysical ProcessorPage => _hostSave;

    /// <inheritdoc/>
    public static Status EnableAgain(HostPhysical page) => SvmProcessor.Enable(page);

    /// <inheritdoc/>
    public readonly PermissionMaps NewPermissionMaps(RegionPages pages) => new SvmPermissionMaps(pages);

    /// <inheritdoc/>
    public void Initialize(ref SvmBackend backend, RegionPages pages, HostDescriptors descriptors, PermissionMaps primaryMaps,
        PermissionMaps shadowMaps, HostPhysical nestedRoot)
    {
        byte* hostVmcb = pages.TakePage();
        Stubs.Vmsave((ulong)hostVmcb);
        backend.Initialize(pages.TakePage(), hostVmcb, ++_lastAsid, (SvmPermissionMaps)primaryMaps, (SvmPermissionMaps)shadowMaps, nestedRoot);
    }
}
