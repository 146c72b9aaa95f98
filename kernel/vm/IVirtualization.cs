using Hv.Kernel.Memory;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>
/// What a kind of processor needs before there are control blocks: how it is turned on, and the tables that its VMs share.
/// Implemented by structs only, and used through generic constraints.
/// </summary>
public interface IVirtualization<TBackend> where TBackend : struct, IVcpuBackend
{
    /// <summary>An empty nested page table, in the processor's format.</summary>
    PageTable NewNestedTable(PageSource pages);

    /// <summary>The memory types that a nested page table must carry; null where the processor applies the MTRRs itself.</summary>
    MtrrMap? ReadMemoryTypes();

    /// <summary>Turns virtualization on, on this processor. Needs Hv's descriptors and address space.</summary>
    Status Enable(RegionPages pages);

    /// <summary>The page that <see cref="Enable"/> has given the processor.</summary>
    HostPhysical ProcessorPage { get; }

    /// <summary>Turns virtualization on again, with the same <paramref name="page"/>, after the processor has lost its power.</summary>
    static abstract Status EnableAgain(HostPhysical page);

    /// <summary>Empty permission maps: nothing exits. While booting only.</summary>
    PermissionMaps NewPermissionMaps(RegionPages pages);

    /// <summary>
    /// Makes a virtual processor's control block, on the processor that will run it. The maps, which
    /// <see cref="NewPermissionMaps"/> made, are those of a primary and of a shadow.
    /// </summary>
    void Initialize(ref TBackend backend, RegionPages pages, HostDescriptors descriptors, PermissionMaps primaryMaps, PermissionMaps shadowMaps,
        HostPhysical nestedRoot);
}
