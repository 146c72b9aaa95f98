using System;
using Hv.Drivers.Block;
using Hv.Drivers.Control;
using Hv.Drivers.Display;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;

using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Time;
using Hv.Kernel.Vm;
using Hv.Shadow.Blocks;
using Hv.Shadow.Control;
using Hv.Shadow.Memory;

namespace Hv.Shadow.Machine;

/// <summary>
/// The whole machine: its memory and real devices, the two VMs, and the life of a shadow from start to switch. What exits ask for is
/// noted and done between exits (<see cref="DoWork"/>).
/// </summary>
public sealed unsafe partial class HvMachine : LoopOwner
{
    private const int MaxPciFunctions = 128;

    /// <summary>Which memory is Hv's.</summary>
    public readonly HvMemory Own;
    /// <summary>The pool.</summary>
    public readonly PagePool Pool;
    /// <summary>Hv's own region, for what lives as long as Hv.</summary>
    public readonly RegionPages Region;
    /// <summary>Real time.</summary>
    public readonly TscClock Time;
    /// <summary>How guest-physical = host-physical is written into a table.</summary>
    public readonly IdentityMap Identity;
    /// <summary>The table in which it is: the primary's, whichever VM that is.</summary>
    public readonly PageTable IdentityTable;
    /// <summary>The machine's ports.</summary>
    public readonly PortDevice Ports = new RealPorts();
    /// <summary>PCI configuration access.</summary>
    public readonly PciHost Pci;
    /// <summary>All PCI functions as the firmware left them.</summary>
    public readonly PciFunctionTable Functions = new(MaxPciFunctions);
    /// <summary>Where the guest has memory; known from the boot snapshot on.</summary>
    public readonly MemoryRanges Ranges = new(512);
    /// <summary>What both VMs' platforms are like.</summary>
    public PlatformConfiguration Configuration = null!;
    /// <summary>The real platform devices.</summary>
    public RealPlatform Real = null!;
    /// <summary>The frame buffer, host-physical = guest-physical, and its bytes; 0 if there is none.</summary>
    public ulong FrameBuffer, FrameBufferBytes;
    /// <summary>What the frame buffer's bytes mean.</summary>
    public ScreenMode ScreenMode;
    /// <summary>Where the boot disk's controller is.</summary>
    public PciAddress DiskAddress;
    /// <summary>The boot disk with snapshot and overlay; null until Hv has taken it.</summary>
    public SnapshotDisk? Disk;
    /// <summary>The loader's calls.</summary>
    public BootCallHandler BootCalls = null!;
    /// <summary>The machine's system.</summary>
    public GuestVm Primary = null!;
    /// <summary>The other VM: a shadow, or at rest.</summary>
    public GuestVm Shadow = null!;
    /// <summary>What every shadow starts from; null until it is taken.</summary>
    public BootSnapshot? Snapshot;
    /// <summary>What exits of the primary.</summary>
    public PermissionMaps PrimaryMaps = null!;
    /// <summary>What the primary asks of the machine itself.</summary>
    public PowerPorts Power = null!;
    /// <summary>Silences the passed-through devices.</summary>
    public Quiescer Quiescer = null!;
    /// <summary>What has become of the machine's DMA remapping units; <see cref="Quiescer.Remapping"/> if Hv uses them.</summary>
    public RemappingState RemappingState;
    /// <summary>Bytes of Hv's region and of its EFI image, for the status.</summary>
    public ulong RegionBytes, ImageBytes;
    /// <summary>Where messages of the primary's virtual devices go.</summary>
    public readonly ApicMessages ApicMessages = new();

    /// <summary>Hv's own address space.</summary>
    public readonly PageTable AddressSpaceTable;

    /// <summary>Puts the parts together.</summary>
    public HvMachine(PageTable addressSpace, HvMemory own, PagePool pool, RegionPages region, TscClock time, IdentityMap identity, PageTable identityTable)
    {
        AddressSpaceTable = addressSpace;
        Own = own;
        Pool = pool;
        Region = region;
        Time = time;
        Identity = identity;
        IdentityTable = identityTable;
        Pci = new PortPciHost(Ports);
        Display = new DisplayMode(Ports);
        HotAdd = new HotAddEvent(Ports);
        Reboot = new RebootProgress(time);
    }

    /// <summary>How far the shadow reboot has come.</summary>
    public readonly RebootProgress Reboot;

    /// <inheritdoc/>
    public override bool ShadowRuns => Reboot.Phase is ControlPhase.Stopping or ControlPhase.Booting or ControlPhase.Ready;

    /// <inheritdoc/>
    public override bool HasUrgentWork => _startAsked || _restartAsked || _abortAsked || _switchAsked || MayDropLastView || _deadlineIsOver || _failure != ControlFailure.None ||
        Power.Pending != PowerRequest.None;

    /// <inheritdoc/>
    public override uint ShadowShare => IsPoolLow ? 0 : _share;

    // TSC ticks until the shadow's devices want this again, or a deadline is over.
    private ulong AdvanceShadow()
    {
        VirtualPlatform platform = Shadow.Platform;
        ulong now = Time.Nanoseconds;
        platform.Clock.Now = now;
        platform.Advance();
        ulong deadline = NextDeadline;
        _deadlineIsOver = deadline <= now;
        ulong next = Math.Min(platform.NextEvent, deadline);
        if (next == VirtualClock.Never)
            return ulong.MaxValue;
        return next <= now ? 1 : Time.ToTicks(next - now);
    }

    /// <summary>Makes a function's registers reachable for Hv, wherever the firmware has put them.</summary>
    public Status MapRegisters(PciFunctionInfo function)
    {
        for (int i = 0; i < PciFunctionInfo.MaxBars; i++)
        {
            ref readonly PciBaseAddress bar = ref function.Bars[i];
            if (!bar.IsMemory || bar.Address == 0)
                continue;
            Status status = AddressSpace.MapDevice(AddressSpaceTable, bar.Address, PageSize.Small);
            if (status != Status.Ok)
                return status;
        }
        return Status.Ok;
    }

    /// <summary>A virtual platform like this machine's. While booting only.</summary>
    public VirtualPlatform NewPlatform()
    {
        var clock = new VirtualClock();
        clock.Now = Time.Nanoseconds;
        var platform = new VirtualPlatform(clock, Configuration);
        platform.Interrupts.SetTscBase(Time.Start);
        return platform;
    }

    /// <summary>Lets shadows see a bridge of the real machine, in the snapshot's <paramref name="platform"/> and in those of both VMs.</summary>
    public void AddBridge(PciFunctionInfo function, VirtualPlatform platform)
    {
        var real = new RealPciFunction(Pci, function.Address);
        AddBridge(function.Address, platform, real);
        // Both VMs have the same functions in the same order.
        _realBridges[Shadow.Platform.Pci.Count] = real;
        AddBridge(function.Address, Primary.Platform, real);
        AddBridge(function.Address, Shadow.Platform, real);
    }

    /// <summary>Whether memory at a host-physical address is write-back: memory rather than registers.</summary>
    public bool IsWriteBack(ulong address) => Identity.IsMemory(new HostPhysical(address));

    /// <summary>From now on shadows can be made.</summary>
    public void UseSnapshot(BootSnapshot snapshot)
    {
        TakeScreen();
        Primary.ShadowMemory = NewShadowMemory(snapshot);
        Shadow.ShadowMemory = NewShadowMemory(snapshot);
        Sharing = new MemorySharing(IdentityTable, Ranges);
        Primary.Platform.Clock.Now = Time.Nanoseconds;
        Primary.Platform.CopyFrom(snapshot.Platform);
        Snapshot = snapshot;
    }

    private ShadowMemory NewShadowMemory(BootSnapshot snapshot) =>
        new(Pool, snapshot.Memory, Ranges, new PageTable(IdentityTable.Format, Pool, hugePages: false), Screen);

    private static void AddBridge(PciAddress address, VirtualPlatform platform, RealPciFunction real)
    {
        var bridge = new PciBridgeFunction(extended: false);
        bridge.Capture(real);
        _ = platform.Pci.Add(address.Bus, address.Device, address.Function, bridge);
    }

    /// <summary>The primary cannot go on: the machine is reset, as the hardware would.</summary>
    public void ResetMachine()
    {
        Log.Line("Hv: the primary shut down (triple fault); the machine is reset");
        ResetNow();
    }
}
