using Hv.Drivers.Control;
using Hv.Drivers.Pci;
using Hv.Drivers.Platform;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Hv.Shadow.Control;
using Hv.Shadow.Memory;

namespace Hv.Shadow.Machine;

/// <content>The fork of the running system (DESIGN D6): a shadow that begins as a copy of the primary, to shut down and to start anew.</content>
public sealed unsafe partial class HvMachine
{
    // Less than this of the pool, or of pages: the shadow gets idle time only.
    private const ulong LowPoolShare = 32, LowPoolPages = 1024;

    private readonly PciFunction?[] _realBridges = new PciFunction?[PciConfigSpace.MaxFunctions];
    private bool _restartAsked;

    /// <summary>What the primary's memory is to a forked shadow; null as long as there is no boot snapshot.</summary>
    public MemorySharing? Sharing { get; private set; }

    /// <summary>Figures of the last fork.</summary>
    public readonly ForkFigures ForkFigures = new();

    private bool IsPoolLow => Pool.FreePages < LowPoolPages || Pool.FreePages < Pool.TotalPages / LowPoolShare;

    /// <summary>See <see cref="GuestVm.BreakSharing"/>.</summary>
    public bool BreakSharing(GuestPhysical address)
    {
        if (!Sharing!.IsActive)
            return false;
        ulong began = Stubs.ReadTsc();
        if (!Sharing.Break(address, out bool isBroken))
            return false;
        if (!isBroken)
        {
            if (Shadow.ShadowMemory.ReplacedMapping)
                Shadow.FlushNested();
            Sharing.AllowWrite(address);
            ForkFigures.BreakTicks += Stubs.ReadTsc() - began;
        }
        if (Shadow.ShadowMemory.RanOutOfMemory)
            ShadowFailed(ControlFailure.OutOfMemory);
        return true;
    }

    // An event that is to be delivered to the primary is not part of the state that is copied.
    private bool CanFork() => !Primary.HasEvent;

    private void ForkShadow()
    {
        ulong began = Stubs.ReadTsc();
        RunOnAll(ProcessorStep.EndTimeLimits);
        Primary.Nvme!.Pause();
        Status status = Disk!.TakeSnapshot(_useJournal);
        // The fork has data partitions mounted and writes to them; nobody reads that once it has shut down.
        Disk.HasScratch = true;
        if (status == Status.Ok)
            status = ForkMemory();
        if (status != Status.Ok)
        {
            Primary.Nvme.Resume();
            DropShadow(status == Status.OutOfMemory ? ControlFailure.OutOfMemory : ControlFailure.DiskError);
            return;
        }
        GuestVm shadow = Shadow;
        shadow.IsShadow = true;
        shadow.AllowsHypercalls = Primary.AllowsHypercalls;
        shadow.WasPromoted = false;
        shadow.Nested = shadow.ShadowMemory.Table;
        ForkPlatform();
        ClearConsole();
        RunOnAll(ProcessorStep.Fork);
        shadow.Nvme!.Pause();
        _ = shadow.Nvme.Rebind(shadow.Memory, Disk.ShadowView, shadow.Platform.Interrupts);
        shadow.Nvme.CopyStateFrom(Primary.Nvme);
        ClearExits(shadow);
        BeginTurns();
        Reboot.Enter(ControlPhase.Stopping);
        shadow.Nvme.Resume();
        Primary.Nvme.Resume();
        Primary.Control!.Forked();
        Primary.Control.PhaseChanged();
        ForkFigures.Ticks = Stubs.ReadTsc() - began;
        Log.Write("Hv: forked in ");
        Log.Decimal(ForkFigures.Ticks * 1_000_000 / Time.Frequency);
        Log.Write(" us, memory ");
        Log.Decimal(ForkFigures.MemoryTicks * 1_000_000 / Time.Frequency);
        Log.Write(" us, entries ");
        Log.Decimal(Sharing!.EntriesChanged);
        Log.Line(", free pages ", Pool.FreePages);
    }

    private Status ForkMemory()
    {
        ulong began = Stubs.ReadTsc();
        ForkFigures.Clear();
        Status status = Sharing!.Begin(Shadow.ShadowMemory);
        Primary.FlushNested();
        if (status != Status.Ok)
            RestorePrimaryMemory();
        ForkFigures.MemoryTicks = Stubs.ReadTsc() - began;
        return status;
    }

    // What cannot be read from the real devices is known from watching the primary's writes to them.
    private void ForkPlatform()
    {
        VirtualPlatform platform = Shadow.Platform;
        platform.Clock.Now = Primary.Platform.Clock.Now = Time.Nanoseconds;
        platform.CopyFrom(Primary.Platform);
        platform.CaptureRunning(Real, Primary.PrimaryPorts);
        for (int i = 0; i < platform.Pci.Count; i++)
        {
            if (_realBridges[i] is PciFunction real && platform.Pci.Get(i, out _, out _, out _) is PciBridgeFunction bridge)
                bridge.Capture(real);
        }
    }

    // The forked shadow has shut down and reset itself: it begins anew, as every shadow does, with the disk as it left it.
    private void RestartShadow()
    {
        _restartAsked = false;
        Log.Line("Hv: the shadow has shut down; own pages ", Shadow.ShadowMemory.OwnPages);
        KeepForkFigures();
        Shadow.Nvme!.Reset();
        EndSharing();
        if (Disk!.ForgetScratch() != Status.Ok)
        {
            DropShadow(ControlFailure.DiskError);
            return;
        }
        Disk.HasScratch = false;
        Screen.Clear();
        StartFromSnapshot();
    }

    private void KeepForkFigures()
    {
        if (Sharing != null && Sharing.IsActive)
            ForkFigures.PagesCopied = Shadow.ShadowMemory.PagesCopied;
    }

    // The shadow gives back what it has, and the primary gets its large pages.
    private void EndSharing()
    {
        Shadow.ShadowMemory.Clear();
        if (Sharing == null || !Sharing.IsActive)
            return;
        Sharing.End();
        RestorePrimaryMemory();
    }

    private void RestorePrimaryMemory()
    {
        Status status = Identity.MapAll(IdentityTable);
        Invariant.Holds(status == Status.Ok, "the primary's memory is mapped as it was");
        Primary.HideDevicePages();
    }

    // Enough for what the shadow had used and might have used besides.
    private ulong WantedPoolPages()
    {
        ulong could = Shadow.ShadowMemory.MemoryPages, has = Shadow.ShadowMemory.OwnPages;
        return Pool.TotalPages - Pool.FreePages + (could > has ? could - has : 0);
    }

    private static void ClearExits(GuestVm vm)
    {
        for (int i = 0; i < vm.Vcpus.Length; i++)
        {
            if (vm.Vcpus[i] is { } vcpu)
                vcpu.ClearExits();
        }
    }
}
