using System.Threading;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Hv.Shadow.Machine;

namespace Hv.Boot;

/// <summary>Brings processors of one kind into Hv: the first one builds the machine, each of them its two virtual processors, and all end in their loops.</summary>
internal sealed unsafe class ProcessorStarterOf<TBackend, TVirtualization> : ProcessorStarter
    where TBackend : struct, IVcpuBackend where TVirtualization : struct, IVirtualization<TBackend>
{
    private readonly RegionPages _pages;
    private readonly HostDescriptors[] _descriptors;
    private readonly PageTable _addressSpace;
    private PageTable _nested = null!;
    private PermissionMaps _primaryMaps = null!, _shadowMaps = null!;
    private HvMachine _machine = null!;

    /// <summary>For the machine that <paramref name="parameters"/> describe; all further memory comes from <paramref name="pages"/>.</summary>
    public ProcessorStarterOf(BootParameters* parameters, RegionPages pages)
    {
        _pages = pages;
        _descriptors = new HostDescriptors[parameters->Processors];
        for (int i = 0; i < _descriptors.Length; i++)
            _descriptors[i] = new HostDescriptors(parameters->Descriptors + (uint)i * HostDescriptors.Pages * PageSize.Small, i, parameters->ApicIds[i]);
        _addressSpace = OwnAddressSpace.Build(parameters, pages, _descriptors);
    }

    /// <inheritdoc/>
    public override Status Join(BootParameters* parameters, ulong guestStack, ulong guestRip)
    {
        VcpuState state = default;
        CurrentState.Capture(ref state);
        state.Rip = guestRip;
        state.Registers.General.Rsp = guestStack;
        int index = parameters->Joined;
        Stubs.DisableInterrupts();
        _descriptors[index].Load();
        AddressSpace.Enter(_addressSpace);
        TVirtualization virtualization = default;
        if (index == 0)
        {
            OwnAddressSpace.NameSymbols(parameters);
            if (parameters->HasOwnStart)
                OwnStart.Start(parameters, _addressSpace, _descriptors, _pages);
            BuildMachine(parameters, in virtualization);
        }
        Run(parameters, index, ref virtualization, in state, waitsForStartUp: false);
        return Status.Ok;
    }

    /// <inheritdoc/>
    public override void Arrive(ProcessorArrival* arrival)
    {
        BootParameters* parameters = arrival->Parameters;
        int index = arrival->Index;
        _descriptors[index].Load();
        VcpuState state = default;
        CurrentState.Capture(ref state);
        WakingState.Initialize(ref state);
        Volatile.Write(ref arrival->HasArrived, 1);
        // The bootstrap processor, which has this one's word now, is the first to join. It has a time limit, which stops Hv.
        while (Volatile.Read(in parameters->Joined) != index)
            Stubs.Pause();
        TVirtualization virtualization = default;
        Run(parameters, index, ref virtualization, in state, waitsForStartUp: true);
    }

    // Never returns.
    private void Run(BootParameters* parameters, int index, ref TVirtualization virtualization, in VcpuState state, bool waitsForStartUp)
    {
        HostDescriptors descriptors = _descriptors[index];
        if (virtualization.Enable(_pages) != Status.Ok)
            Panic.Stop("the processor refused to turn virtualization on");
        ExtendedState.Enable();
        VcpuOf<TBackend> primary = NewVcpu(_machine.Primary, descriptors.Processor), shadow = NewVcpu(_machine.Shadow, descriptors.Processor);
        virtualization.Initialize(ref primary.Backend, _pages, descriptors, _primaryMaps, _shadowMaps, _nested.Root);
        virtualization.Initialize(ref shadow.Backend, _pages, descriptors, _primaryMaps, _shadowMaps, _nested.Root);
        if (index == 0 && _machine.Configuration.Acpi.HasSuspend)
        {
            var sleep = new ProcessorSleepOf<TBackend, TVirtualization>(descriptors, _addressSpace, virtualization.ProcessorPage, primary, shadow,
                parameters->WakePage, (ulong*)_pages.TakePage());
            _machine.UseSleep(sleep, parameters->Facs);
        }
        primary.Load(in state);
        primary.WaitsForStartUp = waitsForStartUp;
        primary.Backend.Activate();
        var loop = new VcpuLoop<TBackend>(_machine, primary, shadow, parameters->TscFrequency);
        _machine.Processors.Join(descriptors.Processor);
        if (index == 0)
            _machine.StartUps.Watch();
        Log.Line("Hv: entering the guest, rip ", state.Rip);
        Volatile.Write(ref parameters->Joined, index + 1);
        if (index == 0 && parameters->HasOwnStart)
            OwnStart.AwaitAll(parameters);
        loop.Run();
    }

    private void BuildMachine(BootParameters* parameters, in TVirtualization virtualization)
    {
        var own = new HvMemory(parameters->MemoryEnd);
        _ = own.Add(new HostPhysical((ulong)parameters->Region), parameters->RegionBytes);
        var pool = new PagePool();
        if (parameters->WakePage != null)
            _ = own.Add(new HostPhysical((ulong)parameters->WakePage), PageSize.Small);
        for (int i = 0; i < parameters->PoolExtents; i++)
        {
            _ = pool.Add(new HostPhysical(parameters->PoolStart[i]), parameters->PoolPages[i]);
            _ = own.Add(new HostPhysical(parameters->PoolStart[i]), parameters->PoolPages[i] * PageSize.Small);
        }
        var identity = new IdentityMap(own, virtualization.ReadMemoryTypes(), AddressSpace.PhysicalBits);
        // Large pages are split while a shadow shares the memory: there are not enough pages for that in the region.
        _nested = virtualization.NewNestedTable(pool);
        Status status = identity.MapAll(_nested);
        Invariant.Holds(status == Status.Ok, "nested page table");
        _primaryMaps = virtualization.NewPermissionMaps(_pages);
        _shadowMaps = virtualization.NewPermissionMaps(_pages);
        _primaryMaps.FillPrimary();
        _shadowMaps.FillShadow();
        if (parameters->Processors > 1)
        {
            _primaryMaps.SetPort(StartUps.CmosIndex, true);
            _primaryMaps.SetPort(StartUps.CmosData, true);
        }
        _machine = MachineBuilder.Build(parameters, _addressSpace, own, pool, _pages, identity, _nested);
        _machine.BootCalls = new BootCalls(_machine, _primaryMaps);
        _machine.PrimaryMaps = _primaryMaps;
    }

    private VcpuOf<TBackend> NewVcpu(GuestVm vm, PerProcessor* processor)
    {
        var vcpu = new VcpuOf<TBackend>();
        vcpu.Host = processor;
        vcpu.AbsentDevice = new AbsentMmioDevice();
        vcpu.Registers = (VcpuRegisters*)_pages.TakePage();
        vcpu.ExtendedState = _pages.TakeRun(ExtendedState.Pages);
        vcpu.PhysicalAddressBits = AddressSpace.PhysicalBits;
        vm.Add(vcpu);
        return vcpu;
    }
}
