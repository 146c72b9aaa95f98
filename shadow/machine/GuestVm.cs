using Hv.Drivers.Nvme.Virtual;
using Hv.Drivers.Platform;

using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Hv.Shadow.Control;
using Hv.Shadow.Memory;

namespace Hv.Shadow.Machine;

/// <summary>
/// One of Hv's two VMs. As the primary it has the machine's memory and devices, with a virtual disk controller in the place of the
/// real one; as a shadow its memory is in the pool and its platform is virtual. At a switch the two trade roles.
/// </summary>
public sealed unsafe class GuestVm : Vm
{
    private readonly HvMachine _machine;
    private readonly VmMemory _memory;
    private FunctionWindow? _window;
    private ulong _windowAddress;
    private ulong _registers;

    /// <summary>The processor.</summary>
    public Vcpu Vcpu = null!;

    /// <summary>The nested page table in use.</summary>
    public PageTable Nested;

    /// <summary>Memory while this is a shadow.</summary>
    public ShadowMemory ShadowMemory = null!;

    /// <summary>Platform devices while this is a shadow.</summary>
    public VirtualPlatform Platform = null!;

    /// <summary>The disk controller, once Hv owns the boot disk.</summary>
    public VirtualNvmeController? Nvme;

    /// <summary>What its administrator's commands lead to; set together with <see cref="Nvme"/>.</summary>
    public ControlCommands? Control;

    /// <summary>Ports while this is the primary.</summary>
    public readonly PrimaryPorts PrimaryPorts;

    /// <summary>MSRs while this is a shadow.</summary>
    public readonly MsrTable Msrs = new();

    /// <summary>The firmware's boot services exist, so the loader may make hypercalls.</summary>
    public bool AllowsHypercalls = true;

    /// <summary>This VM was a shadow before.</summary>
    public bool WasPromoted;

    /// <summary>Makes a VM of <paramref name="machine"/> over the machine's own nested table.</summary>
    public GuestVm(HvMachine machine)
    {
        _machine = machine;
        Nested = machine.IdentityTable;
        PrimaryPorts = new PrimaryPorts(machine.Ports, machine.HotAdd);
        _memory = new VmMemory(this, machine.Own.MemoryEnd);
    }

    /// <inheritdoc/>
    public override GuestMemory Memory => _memory;

    /// <inheritdoc/>
    public override PortDevice Ports => IsShadow ? Platform : PrimaryPorts;

    /// <summary>
    /// Puts the virtual disk controller where the real one is, in configuration space by ports and by memory
    /// (<paramref name="configuration"/> is the address of its 4 KiB there, 0 if the machine has none).
    /// </summary>
    public void ShowDisk(ulong configuration)
    {
        var tracked = new TrackedFunction(Nvme!, this);
        PrimaryPorts.Replace(_machine.DiskAddress, tracked);
        _window = new FunctionWindow(tracked);
        _windowAddress = configuration;
    }

    /// <summary>Takes the pages of the virtual controller's registers out of the primary's memory, wherever the guest has put them now.</summary>
    public void PlaceRegisters()
    {
        if (IsShadow || Nvme == null)
            return;
        ulong wanted = Nvme.DecodesMemory ? Nvme.BarAddress(0) & ~(VirtualNvmeController.BarBytes - 1) : 0;
        if (wanted > PageTable.Reach - VirtualNvmeController.BarBytes)
            wanted = 0;
        if (wanted == _registers)
            return;
        ShowDevicePages();
        _registers = wanted;
        HideDevicePages();
    }

    /// <summary>Leaves the virtual controller's pages out of a table that has just been filled, or used by another VM.</summary>
    public void HideDevicePages()
    {
        if (_windowAddress != 0)
            _ = Nested.Unmap(_windowAddress, PageSize.Small);
        if (_registers != 0)
            _ = Nested.Unmap(_registers, VirtualNvmeController.BarBytes);
        Vcpu.FlushNested();
    }

    /// <summary>Gives the table back as it was before <see cref="HideDevicePages"/>.</summary>
    public void ShowDevicePages()
    {
        if (_registers != 0)
            _ = _machine.Identity.MapRange(Nested, _registers, _registers + VirtualNvmeController.BarBytes);
        _registers = 0;
    }

    /// <inheritdoc/>
    public override MmioDevice? FindMmio(GuestPhysical address, out ulong offset)
    {
        if (IsShadow)
            return Platform.TryFindMmio(address, 0, out MmioDevice? virtualDevice, out offset) ? virtualDevice : null;
        offset = address.PageOffset;
        if (_windowAddress != 0 && address.PageBase.Value == _windowAddress)
            return _window;
        return Nvme != null && Nvme.TryFindMmio(address, out MmioDevice? device, out offset) ? device : null;
    }

    /// <inheritdoc/>
    public override bool MendFault(GuestPhysical address, bool isWrite)
    {
        if (!IsShadow)
            return isWrite && BreakSharing(address) || _machine.Identity.MapAround(Nested, address) == Status.Ok;
        if (!ShadowMemory.Provide(address, isWrite))
        {
            if (ShadowMemory.RanOutOfMemory)
            {
                _machine.ShadowFailed(Hv.Drivers.Control.ControlFailure.OutOfMemory);
                return true;
            }
            return false;
        }
        if (ShadowMemory.ReplacedMapping)
            Vcpu.FlushNested();
        return true;
    }

    /// <summary>
    /// Of a primary: a page is about to be written, by its own instruction or by Hv for it; a shadow that shares it gets the old contents. False if
    /// it is not shared memory.
    /// </summary>
    public bool BreakSharing(GuestPhysical address) => _machine.Sharing != null && _machine.BreakSharing(address);

    /// <inheritdoc/>
    public override Result<ulong> ReadMsr(uint index)
    {
        switch (index)
        {
            case Msr.FeatureControl:
                return Msr.FeatureControlLock;
            case Msr.VmCr:
                return Msr.VmCrSvmDisable;
            case Msr.VmHsavePa:
            case >= Msr.VmxBasic and <= Msr.VmxLast:
                return Status.Unsupported;
        }
        if (!IsShadow)
            return Msr.TryRead(index);
        if (IsApic(index))
            return Platform.Interrupts.LocalApics[0].ReadMsr(index, out ulong value) ? value : Status.Unsupported;
        return Msrs.Read(index);
    }

    /// <inheritdoc/>
    public override Status WriteMsr(uint index, ulong value)
    {
        switch (index)
        {
            case Msr.FeatureControl:
            case Msr.VmCr:
            case Msr.VmHsavePa:
            case >= Msr.VmxBasic and <= Msr.VmxLast:
                return Status.Unsupported;
        }
        if (!IsShadow)
            return index == Msr.ApicBase && !KeepsApicAddress(value) ? Status.Unsupported : Msr.Write(index, value);
        if (IsApic(index))
            return Platform.Interrupts.LocalApics[0].WriteMsr(index, value) ? Status.Ok : Status.Unsupported;
        return Msrs.Write(index, value);
    }

    /// <inheritdoc/>
    public override byte TaskPriority
    {
        get => Platform.Interrupts.LocalApics[0].Cr8;
        set => Platform.Interrupts.LocalApics[0].Cr8 = value;
    }

    /// <inheritdoc/>
    public override bool Hypercall(ulong number, ulong first, ulong second, ulong third, out ulong result)
    {
        result = 0;
        return AllowsHypercalls && _machine.BootCalls.Handle(this, number, first, second, third, out result);
    }

    /// <inheritdoc/>
    public override void TripleFault()
    {
        if (IsShadow)
            _machine.ShadowFailed(Hv.Drivers.Control.ControlFailure.Crashed);
        else
            _machine.ResetMachine();
    }

    /// <inheritdoc/>
    public override void HaltedForGood(ulong rip)
    {
        if (IsShadow)
            _machine.ShadowHalted(rip);
    }

    /// <inheritdoc/>
    public override void BeforeHandling()
    {
        if (!IsShadow)
            return;
        Platform.Clock.Now = _machine.Time.Nanoseconds;
        Platform.Advance();
    }

    /// <inheritdoc/>
    public override void AfterExit()
    {
        FinishDiskCommands();
        if (IsShadow)
            _machine.AfterShadowExit();
        else if (_machine.Power.Pending != PowerRequest.None)
            _machine.NeedsAttention = true;
    }

    /// <summary>
    /// Waits for the commands of the VM's disk controller, which in this slice end within the exit that started them; the real controller bounds the wait.
    /// Flushes that wait for the end of a merge are not waited for, nor what is under way besides them: the merge polls the disk, and calls this when it is over.
    /// </summary>
    public void FinishDiskCommands()
    {
        VirtualNvmeController? controller = Nvme;
        while (controller != null && (controller.HasMore || controller.IsBusy && !_machine.Disk!.HasPromises))
            controller.Poll();
    }

    // Hv reaches the local APIC where it has always been; no OS moves it.
    private static bool KeepsApicAddress(ulong value) => ((value ^ Msr.Read(Msr.ApicBase)) & NestedFormat.AddressMask) == 0;

    private static bool IsApic(uint index) =>
        index == Msr.ApicBase || index == Msr.TscDeadline || index is >= Msr.X2ApicFirst and <= Msr.X2ApicLast;
}
