using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Svm;
using Hv.Kernel.Time;
using Hv.Kernel.Vm;
using Hv.Kernel.Vmx;
using Hv.Shadow.Machine;

namespace Hv.Boot;

/// <summary>The hypervisor's beginning: runs in the image copy, on Hv's own stack, called by the loader through HvLaunch.</summary>
internal static unsafe class HypervisorStart
{
    private const ulong HeapBytes = 2 * 1024 * 1024;
    private const uint LogPages = 16;

    /// <summary>
    /// Never returns if all goes well: the loader goes on as the guest. Otherwise a <see cref="Status"/> (not Ok), with the
    /// processor as it was.
    /// </summary>
    [UnmanagedCallersOnly]
    public static ulong Start(BootParameters* parameters, ulong guestStack, ulong guestRip)
    {
        BootHeap.Initialize(parameters->Free, HeapBytes);
        var pages = new RegionPages(parameters->Free + HeapBytes, parameters->Region + parameters->RegionBytes);
        Log.UseRing(pages.TakeRun(LogPages));
        return (ulong)(SvmProcessor.IsUsable
            ? Launch<SvmBackend, SvmVirtualization>(default, parameters, pages, guestStack, guestRip)
            : Launch<VmxBackend, VmxVirtualization>(default, parameters, pages, guestStack, guestRip));
    }

    private static Status Launch<TBackend, TVirtualization>(
        TVirtualization virtualization, BootParameters* parameters, RegionPages pages, ulong guestStack, ulong guestRip)
        where TBackend : struct, IVcpuBackend where TVirtualization : struct, IVirtualization<TBackend>
    {
        VcpuState state = default;
        CurrentState.Capture(ref state);
        state.Rip = guestRip;
        state.Registers.General.Rsp = guestStack;

        var descriptors = new HostDescriptors(parameters->Descriptors);
        PageTable addressSpace = BuildAddressSpace(parameters, pages, descriptors);
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

        Stubs.DisableInterrupts();
        descriptors.Load();
        AddressSpace.Enter(addressSpace);
        NameSymbols(parameters);

        var identity = new IdentityMap(own, virtualization.ReadMemoryTypes(), AddressSpace.PhysicalBits);
        // Large pages are split while a shadow shares the memory: there are not enough pages for that in the region.
        PageTable nested = virtualization.NewNestedTable(pool);
        Status status = identity.MapAll(nested);
        Invariant.Holds(status == Status.Ok, "nested page table");
        if (virtualization.Enable(pages) != Status.Ok)
            Panic.Stop("the processor refused to turn virtualization on");

        ExtendedState.Enable();
        PermissionMaps primaryMaps = virtualization.NewPermissionMaps(pages), shadowMaps = virtualization.NewPermissionMaps(pages);
        primaryMaps.FillPrimary();
        shadowMaps.FillShadow();
        HvMachine machine = MachineBuilder.Build(parameters, addressSpace, own, pool, pages, identity, nested);
        machine.BootCalls = new BootCalls(machine, primaryMaps);
        VcpuOf<TBackend> primary = NewVcpu<TBackend>(machine.Primary, pages), shadow = NewVcpu<TBackend>(machine.Shadow, pages);
        virtualization.Initialize(ref primary.Backend, pages, descriptors, primaryMaps, shadowMaps, nested.Root);
        virtualization.Initialize(ref shadow.Backend, pages, descriptors, primaryMaps, shadowMaps, nested.Root);
        machine.PrimaryMaps = primaryMaps;
        if (machine.Configuration.Acpi.HasSuspend)
        {
            var sleep = new ProcessorSleepOf<TBackend, TVirtualization>(descriptors, addressSpace, virtualization.ProcessorPage, primary, shadow,
                parameters->WakePage, (ulong*)pages.TakePage());
            machine.UseSleep(sleep, parameters->Facs);
        }
        primary.Load(in state);
        primary.Backend.Activate();
        Log.Line("Hv: entering the guest, rip ", state.Rip);
        new VcpuLoop<TBackend>(machine, primary, shadow, parameters->TscFrequency).Run();
        return Status.Ok;
    }

    private static VcpuOf<TBackend> NewVcpu<TBackend>(GuestVm vm, RegionPages pages) where TBackend : struct, IVcpuBackend
    {
        var vcpu = new VcpuOf<TBackend>();
        vcpu.Machine = vm;
        vcpu.AbsentDevice = new AbsentMmioDevice();
        vcpu.Registers = (VcpuRegisters*)pages.TakePage();
        vcpu.ExtendedState = pages.TakeRun(ExtendedState.Pages);
        vcpu.PhysicalAddressBits = AddressSpace.PhysicalBits;
        vm.Vcpu = vcpu;
        return vcpu;
    }

    private static PageTable BuildAddressSpace(BootParameters* parameters, RegionPages pages, HostDescriptors descriptors)
    {
        var table = new PageTable(NestedFormat.LongMode, pages, AddressSpace.HasHugePages);
        ulong end = (System.Math.Max(parameters->MemoryEnd, 1ul << 32) + PageSize.Huge - 1) & ~((ulong)PageSize.Huge - 1);
        Status status = AddressSpace.MapAll(table, end);
        for (int i = 0; i <= HostDescriptors.InterruptStacks && status == Status.Ok; i++)
            status = table.Unmap((ulong)descriptors.GuardPage(i), PageSize.Small);
        if (status == Status.Ok)
            status = ProtectImage(parameters, table);
        Invariant.Holds(status == Status.Ok, "address space");
        return table;
    }

    // Code is executable and not writable, constants neither; everything else of the address space is not executable.
    private static Status ProtectImage(BootParameters* parameters, PageTable table)
    {
        var image = new System.ReadOnlySpan<byte>(parameters->Image, (int)parameters->ImageBytes);
        Result<int> count = PortableExecutable.SectionCount(image);
        if (!count.IsOk)
            return count.Status;
        for (int i = 0; i < count.Value; i++)
        {
            Result<PortableExecutable.Section> section = PortableExecutable.SectionAt(image, i);
            if (!section.IsOk)
                return section.Status;
            uint flags = section.Value.Characteristics;
            PageAccess access = ((flags & PortableExecutable.SectionExecutable) != 0 ? PageAccess.Execute : 0) |
                ((flags & PortableExecutable.SectionWritable) != 0 ? PageAccess.Write : 0);
            if (access == PageAccess.All)
                return Status.Malformed;
            ulong start = (ulong)parameters->Image + section.Value.Offset;
            ulong bytes = (section.Value.Bytes + PageSize.Small - 1) & ~(ulong)(PageSize.Small - 1);
            Status status = table.Map(start, new HostPhysical(start), bytes, access, MemoryType.WriteBack);
            if (status != Status.Ok)
                return status;
        }
        return Status.Ok;
    }

    private static void NameSymbols(BootParameters* parameters)
    {
        const ulong symbolName = 0x0000_6D79_7376_682E; // ".hvsym"
        var image = new System.ReadOnlySpan<byte>(parameters->Image, (int)parameters->ImageBytes);
        Result<int> count = PortableExecutable.SectionCount(image);
        uint codeStart = uint.MaxValue, codeEnd = 0;
        byte* table = null;
        for (int i = 0; count.IsOk && i < count.Value; i++)
        {
            Result<PortableExecutable.Section> section = PortableExecutable.SectionAt(image, i);
            if (!section.IsOk)
                return;
            if ((section.Value.Characteristics & PortableExecutable.SectionExecutable) != 0)
            {
                codeStart = System.Math.Min(codeStart, section.Value.Offset);
                codeEnd = System.Math.Max(codeEnd, section.Value.Offset + section.Value.Bytes);
            }
            if (section.Value.Name == symbolName)
                table = parameters->Image + section.Value.Offset;
        }
        SymbolTable.Use(parameters->Image, codeStart, codeEnd, table);
    }
}
