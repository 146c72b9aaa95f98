using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Hv.Shadow.Machine;

namespace Hv.Boot;

/// <summary>Suspend to RAM on one kind of processor: what its start has done is done again after it.</summary>
internal sealed unsafe class ProcessorSleepOf<TBackend, TVirtualization> : ProcessorSleep
    where TBackend : struct, IVcpuBackend where TVirtualization : struct, IVirtualization<TBackend>
{
    private readonly HostDescriptors _descriptors;
    private readonly PageTable _addressSpace;
    private readonly HostPhysical _processorPage;
    private readonly VcpuOf<TBackend> _first, _second;
    private readonly byte* _page;
    private readonly ulong* _stackSlot;

    /// <summary>
    /// For the processor that runs <paramref name="first"/> and <paramref name="second"/>. <paramref name="page"/> becomes the wake page, which
    /// <paramref name="addressSpace"/> has for execution only from here on; <paramref name="processorPage"/> is what the virtualization was enabled with; <paramref name="stackSlot"/> is memory of Hv's.
    /// </summary>
    public ProcessorSleepOf(HostDescriptors descriptors, PageTable addressSpace, HostPhysical processorPage,
        VcpuOf<TBackend> first, VcpuOf<TBackend> second, byte* page, ulong* stackSlot)
    {
        _descriptors = descriptors;
        _addressSpace = addressSpace;
        _processorPage = processorPage;
        _first = first;
        _second = second;
        _page = page;
        _stackSlot = stackSlot;
        WakePage.Install(page, addressSpace, stackSlot, Stubs.WokenAddress());
    }

    /// <inheritdoc/>
    public override uint WakingVector => (uint)(ulong)_page;

    /// <inheritdoc/>
    public override bool Enter(ushort controlPort, ushort value, ushort statusPort)
    {
        _first.Backend.LeaveProcessor();
        _second.Backend.LeaveProcessor();
        Stubs.WriteBackCaches();
        if (Stubs.Sleep(_stackSlot, controlPort, value, statusPort) == 0)
            return false;
        _descriptors.Load();
        AddressSpace.Enter(_addressSpace);
        ExtendedState.Enable();
        if (TVirtualization.EnableAgain(_processorPage) != Status.Ok)
            Panic.Stop("the processor refused to turn virtualization on after suspend to RAM");
        return true;
    }
}
