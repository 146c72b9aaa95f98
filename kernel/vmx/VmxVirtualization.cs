using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Kernel.Vmx;

/// <summary>VT-x with EPT, before there are VMCSs.</summary>
public unsafe struct VmxVirtualization : IVirtualization<VmxBackend>
{
    private VmxOperation _operation;
    private byte* _region;

    /// <inheritdoc/>
    public readonly PageTable NewNestedTable(PageSource pages) =>
        new(NestedFormat.Ept, pages, VmxCapabilities.OfThisProcessor().HasHugePages);

    /// <inheritdoc/>
    public readonly MtrrMap? ReadMemoryTypes() => MtrrMap.OfThisProcessor(AddressSpace.PhysicalBits);

    /// <inheritdoc/>
    public Status Enable(RegionPages pages)
    {
        _region = pages.TakePage();
        Result<VmxOperation> operation = VmxOperation.Enter(_region);
        if (!operation.IsOk)
            return operation.Status;
        _operation = operation.Value;
        return Status.Ok;
    }

    /// <inheritdoc/>
    public readonly HostPhysical ProcessorPage => new((ulong)_region);

    /// <inheritdoc/>
    public static Status EnableAgain(HostPhysical page) => VmxProcessor.Enable((byte*)page.Value);

    /// <inheritdoc/>
    public readonly PermissionMaps NewPermissionMaps(RegionPages pages) => new VmxPermissionMaps(pages);

    /// <inheritdoc/>
    public readonly void Initialize(ref VmxBackend backend, RegionPages pages, HostDescriptors descriptors, PermissionMaps primaryMaps,
        PermissionMaps shadowMaps, HostPhysical nestedRoot) =>
        backend.Initialize(_operation, pages.TakePage(), (VmxPermissionMaps)primaryMaps, (VmxPermissionMaps)shadowMaps,
            descriptors, nestedRoot);
}
