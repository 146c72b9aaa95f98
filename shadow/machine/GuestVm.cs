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

    /// <summary>The processors that have joined, by number; a virtual processor runs on the processor of its number.</summary>
    public readonly Vcpu[] Vcpus = new Vcpu[ProcessorGroup.Maximum];

    /// <summary>The bootstrap processor.</summary>
    public Vcpu Vcpu => Vcpus[0];

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

    /// <summary>MSRs of each processor while this is a shadow.</summary>
    public readonly MsrTable[] Msrs = new MsrTable[ProcessorGroup.Maximum];

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

    /// <summary>Adds the virtual processor of a processor that joins. While booting, on that processor.</summary>
    public void Add(Vcpu vcpu)
    {
        vcpu.Machine = this;
        Vcpus[vcpu.Index] = vcpu;
        Msrs[vcpu.Index] = new MsrTable();
    }

    /// <summary>The OS takes over: it has not started any processor yet.</summary>
    public void ForgetStartUps()
    {
        for (int i = 0; i < _machine.Processors.Count; i++)
            Vcpus[i].StartUps = 0;
    }

    /// <summary>How often the VM's processors have exited for <paramref name="reason"/>.</summary>
    public ulong CountExits(int reason)
    {
        ulong sum = 0;
        for (int i = 0; i < _machine.Processors.Count; i++)
            sum += Vcpus[i].Exits[reason];
        return sum;
    }

    /// <summary>Makes all processors of the VM forget translations of the nested page table, before they execute another instruction of it. With the machine's lock, or while the others are stopped.</summary>
    public void FlushNested()
    {
        for (int i = 0; i < _machine.Processors.Count; i++)
            Vcpus[i].FlushNestedFromElsewhere();
    }

    /// <summary>Whether an event is on its way to any processor of the VM. While the others are stopped.</summary>
    public bool HasEvent
    {
        get
        {
            for (int i = 0; i < _machine.Processors.Count; i++)
            {
                if (Vcpus[i].HasEvent)
                    return true;
            }
            return false;
        }
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
        _machine.StartUps.HideRegisters(Nested);
        FlushNested();
    }

    /// <summary>Gives the table back as it was before <see cref="HideDevicePages"/>.</summary>
    public void ShowDevicePages()
    {
        if (_registers != 0)
            _ = _machine.Identity.MapRange(Nested, _registers, _registers + VirtualNvmeController.BarBytes);
        _registers = 0;
    }

    /// <inheritdoc/>
    public override MmioDevice? FindMmio(Vcpu vcpu, GuestPhysical address, out ulong offset)
    {
        if (IsShadow)
            return Platform.TryFindMmio(address, vcpu.Index, out MmioDevice? virtualDevice, out offset) ? virtualDevice : null;
        offset = address.PageOffset;
        if (_windowAddress != 0 && address.PageBase.Value == _windowAddress)
            return _window;
        if (_machine.StartUps.Owns(address))
            return _machine.StartUps;
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
            FlushNested();
        return true;
    }

    /// <summary>
    /// Of a primary: a page is about to be written, by its own instruction or by Hv for it; a shadow that shares it gets the old contents. False if
    /// it is not shared memory.
    /// </summary>
    public bool BreakSharing(GuestPhysical address) => _machine.Sharing != null && _machine.BreakSharing(address);

    /// <inheritdoc/>
    public override Result<ulong> ReadMsr(Vcpu vcpu, uint index)
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
            return Platform.Interrupts.LocalApics[vcpu.Index].ReadMsr(index, out ulong value) ? value : Status.Unsupported;
        return Msrs[vcpu.Index].Read(index);
    }

    /// <inheritdoc/>
    public override Status WriteMsr(Vcpu vcpu, uint index, ulong value)
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
            return WriteMachineMsr(index, value);
        if (IsApic(index))
            return Platform.Interrupts.LocalApics[vcpu.Index].WriteMsr(index, value) ? Status.Ok : Status.Unsupported;
        return Msrs[vcpu.Index].Write(index, value);
    }

    private Status WriteMachineMsr(uint index, ulong value)
    {
        if (index == Msr.ApicBase && !KeepsApicAddress(value))
            return Status.Unsupported;
        if (index == StartUps.CommandMsr && _machine.StartUps.Command((uint)(value >> 32), (uint)value))
            return Status.Ok;
        return Msr.Write(index, value);
    }

    /// <inheritdoc/>
    public override byte ReadTaskPriority(Vcpu vcpu) => Platform.Interrupts.LocalApics[vcpu.Index].Cr8;

    /// <inheritdoc/>
    public override void WriteTaskPriority(Vcpu vcpu, byte value) => Platform.Interrupts.LocalApics[vcpu.Index].Cr8 = value;

    /// <inheritdoc/>
    public override bool Hypercall(Vcpu vcpu, ulong number, ulong first, ulong second, ulong third, out ulong result)
    {
        result = 0;
        return AllowsHypercalls && vcpu.Index == 0 && _machine.BootCalls.Handle(this, number, first, second, third, out result);
    }

    /// <inheritdoc/>
    public override void TripleFault(Vcpu vcpu)
    {
        if (IsShadow)
            _machine.ShadowFailed(Hv.Drivers.Control.ControlFailure.Crashed);
        else
            _machine.ResetMachine();
    }

    /// <inheritdoc/>
    public override void Initialized(Vcpu vcpu)
    {
        // A shadow's are virtual: the signal was for the primary's processor.
        _machine.StartUps.Initialize(_machine.Primary.Vcpus[vcpu.Index]);
    }

    /// <inheritdoc/>
    public override void HaltedForGood(Vcpu vcpu, ulong rip)
    {
        if (!IsShadow)
            return;
        for (int i = 0; i < _machine.Processors.Count; i++)
        {
            Vcpu other = Vcpus[i];
            if (!other.WaitsForStartUp && !(other.IsHalted && !other.EndsOnInterrupt))
                return;
        }
        _machine.ShadowHalted(rip);
    }

    /// <inheritdoc/>
    public override bool TryEnter(Vcpu vcpu, ExitReason reason)
    {
        bool isShared = IsShadow
            ? reason is not (ExitReason.ExternalInterrupt or ExitReason.TimerExpired or ExitReason.NonMaskableInterrupt or ExitReason.InterruptWindow)
            : reason is ExitReason.PortAccess or ExitReason.NestedPageFault or ExitReason.Hypercall or ExitReason.TripleFault or ExitReason.MsrWrite or ExitReason.Init;
        if (!isShared)
            return false;
        _machine.Lock.Enter(vcpu.Index);
        if (IsShadow)
        {
            Platform.Clock.Now = _machine.Time.Nanoseconds;
            Platform.Advance();
        }
        return true;
    }

    /// <inheritdoc/>
    public override void Leave(Vcpu vcpu)
    {
        FinishDiskCommands();
        if (IsShadow)
            _machine.AfterShadowExit();
        else if (_machine.Power.Pending != PowerRequest.None)
            _machine.NeedsAttention = true;
        _machine.WakeOthers(vcpu.Index);
        _machine.Lock.Leave();
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
