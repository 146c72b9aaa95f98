using Hv.Drivers.Control;
using Hv.Drivers.Platform;

using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;
using Hv.Shadow.Journal;

namespace Hv.Shadow.Machine;

/// <content>Start, failure and switch of a shadow.</content>
public sealed unsafe partial class HvMachine
{
    /// <summary>The shadow's least share of the processor unless the user says otherwise, in percent.</summary>
    public const uint DefaultShare = 20;

    private const ulong LeastFreePages = 8192;

    private bool _startAsked;
    private bool _startCold;
    private bool _abortAsked;
    private bool _switchAsked;
    private ControlFailure _failure;
    private uint _share = DefaultShare;

    private bool IsSwitching => Reboot.Phase is ControlPhase.Switching or ControlPhase.Settling;

    /// <summary>
    /// Asks for a shadow: a fork of the primary, or one that starts at the boot snapshot. A <see cref="ControlStatus"/> value, or 0 if it will
    /// be started.
    /// </summary>
    public ushort AskStart(in StartOptions options)
    {
        if (Snapshot == null || Disk == null)
            return ControlStatus.Unavailable;
        if (Reboot.Phase != ControlPhase.Idle && Reboot.Phase != ControlPhase.Failed)
            return IsSwitching ? ControlStatus.Busy : ControlStatus.ShadowExists;
        if (LastView != LastViewState.None)
            return ControlStatus.Busy;
        if (Pool.FreePages < LeastFreePages)
            return ControlStatus.NoMemory;
        _share = options.HasNoShare ? 0 : options.Share == 0 ? DefaultShare : options.Share;
        _useJournal = !options.IsWithoutJournal;
        _startAsked = true;
        _startCold = options.IsCold;
        BeginWatch(options.Seconds);
        Reboot.Begin();
        NeedsAttention = true;
        return 0;
    }

    /// <summary>Asks for the end of the shadow.</summary>
    public ushort AskAbort()
    {
        if (!ShadowRuns && Reboot.Phase != ControlPhase.Preparing)
            return IsSwitching ? ControlStatus.Busy : ControlStatus.NoShadow;
        _abortAsked = true;
        return 0;
    }

    /// <summary>Asks for the switch; <paramref name="mayMix"/>: even if a power loss during it leaves a mixture of both systems on the disk.</summary>
    public ushort AskSwitch(bool mayMix)
    {
        if (IsSwitching)
            return ControlStatus.Busy;
        if (!ShadowRuns)
            return ControlStatus.NoShadow;
        if (Reboot.Phase != ControlPhase.Ready)
            return ControlStatus.NotReady;
        ushort unsafeReason = JournalObstacle();
        if (!mayMix && unsafeReason != 0)
            return unsafeReason;
        Reboot.ClearMarks();
        Reboot.Mark(SwitchMark.Requested);
        _switchAsked = true;
        return 0;
    }

    /// <summary>The shadow has come up. <paramref name="findsDevices"/>: after the switch its agent will look for devices.</summary>
    public void ShadowIsReady(bool findsDevices)
    {
        _panic.Dismiss();
        _findsDevices = findsDevices;
        if (Reboot.Phase != ControlPhase.Booting)
            return;
        Log.Line("Hv: the shadow is ready");
        Reboot.Enter(ControlPhase.Ready);
        Primary.Control!.PhaseChanged();
    }

    /// <summary>Looks at what the shadow's exit has led to.</summary>
    public void AfterShadowExit()
    {
        WatchConsole();
        switch (Shadow.Platform.ResetRequest)
        {
            case ResetRequest.None:
                break;
            case ResetRequest.Reset when Reboot.Phase == ControlPhase.Stopping && !_panic.HasPanicked:
                _restartAsked = true;
                break;
            case ResetRequest.Reset:
                ShadowFailed(ControlFailure.Restarted);
                break;
            default:
                ShadowFailed(ControlFailure.PoweredOff);
                break;
        }
        if (Shadow.ShadowMemory.RanOutOfMemory || Disk!.ShadowRanOutOfMemory)
            ShadowFailed(ControlFailure.OutOfMemory);
    }

    /// <inheritdoc/>
    public override void DoWork()
    {
        Lock.Enter(0);
        bool mustStop = MustStop();
        Lock.Leave();
        if (mustStop)
        {
            Processors.StopOthers();
            DoStoppedWork();
            Processors.ResumeOthers();
        }
        Lock.Enter(0);
        if (MayDropLastView)
            DropLastView();
        WorkOnDisk();
        Primary.Control!.Poll();
        Shadow.Control!.Poll();
        NeedsAttention = ShadowRuns || HasUrgentWork || HasBackgroundWork || Primary.Control!.IsWaiting;
        _wasAttentive = NeedsAttention;
        WakeOthers(0);
        Lock.Leave();
    }

    // What changes the life of the shadow, or the machine's, is done while nothing runs. Stopping is worth while only if it can be done then.
    private bool MustStop()
    {
        CheckDeadlines();
        return Power.Pending != PowerRequest.None || _startAsked || _failure != ControlFailure.None || _abortAsked || _restartAsked
            || _switchAsked && Reboot.Phase == ControlPhase.Ready && Shadow.Platform.IsIdle;
    }

    private void DoStoppedWork()
    {
        if (Power.Pending != PowerRequest.None)
            CarryOutPower();
        if (_startAsked && (_startCold || CanFork()))
        {
            _startAsked = false;
            if (_startCold)
                StartShadow();
            else
                ForkShadow();
        }
        if (_failure != ControlFailure.None)
            DropShadow(_failure);
        else if (_abortAsked)
            DropShadow(ControlFailure.Aborted);
        else if (_restartAsked)
            RestartShadow();
        else if (_switchAsked && CanSwitch())
            Switch();
    }

    private void StartShadow()
    {
        Primary.Nvme!.Pause();
        Status status = Disk!.TakeSnapshot(_useJournal);
        Primary.Nvme.Resume();
        if (status != Status.Ok)
        {
            Reboot.Fail(ControlFailure.DiskError);
            Primary.Control!.PhaseChanged();
            return;
        }
        Disk.HasScratch = false;
        ForkFigures.Clear();
        ClearConsole();
        ClearExits(Shadow);
        BeginTurns();
        StartFromSnapshot();
    }

    private void StartFromSnapshot()
    {
        GuestVm shadow = Shadow;
        shadow.IsShadow = true;
        shadow.AllowsHypercalls = true;
        shadow.WasPromoted = false;
        _findsDevices = false;
        shadow.Nested = shadow.ShadowMemory.Table;
        shadow.Nvme!.Pause();
        _ = shadow.Nvme.Rebind(shadow.Memory, Disk!.ShadowView, shadow.Platform.Interrupts);
        shadow.Nvme.Reset();
        Snapshot!.RestorePlatform(shadow);
        RunOnAll(ProcessorStep.StartShadow);
        Log.Line("Hv: a shadow starts; free pages ", Pool.FreePages);
        Reboot.Enter(ControlPhase.Booting);
        Primary.Control!.PhaseChanged();
    }

    private void DropShadow(ControlFailure failure)
    {
        KeepFigures();
        if (failure == ControlFailure.OutOfMemory)
            Reboot.WantedPoolBytes = WantedPoolPages() * PageSize.Small;
        Shadow.Nvme!.Reset();
        EndSharing();
        _ = Disk!.Discard();
        _failure = ControlFailure.None;
        _abortAsked = false;
        _restartAsked = false;
        _switchAsked = false;
        RunOnAll(ProcessorStep.DropShadow);
        Log.Line("Hv: the shadow was thrown away, reason ", (ulong)failure);
        Reboot.Fail(failure);
        Primary.Control!.PhaseChanged();
    }

    private void KeepFigures()
    {
        Reboot.PagesCopied = Shadow.ShadowMemory.PagesCopied;
        Reboot.PagesZeroFilled = Shadow.ShadowMemory.PagesZeroFilled;
        Reboot.OverlayBytes = Disk!.OverlayBytes;
        Reboot.PreservedBytes = Disk.PreservedChunks * PageSize.Small;
        KeepForkFigures();
    }

    // Only between interrupts of the shadow: what is in service cannot be carried into the real controllers.
    private bool CanSwitch() => Reboot.Phase == ControlPhase.Ready && Shadow.Platform.IsIdle && !Shadow.HasEvent;

    private void Switch()
    {
        Log.Line("Hv: switching");
        _switchAsked = false;
        GuestVm old = Primary, promoted = Shadow;
        Reboot.Enter(ControlPhase.Switching);
        Reboot.Mark(SwitchMark.PrimaryStopped);
        // The shadow may have been stopped at any exit. What is given back later than the commit would overwrite the promoted system's timer.
        RunOnAll(ProcessorStep.EndTimeLimits);
        old.Nvme!.Pause();
        promoted.Nvme!.Pause();
        Reboot.Mark(SwitchMark.DiskDrained);
        QuietDevices(promoted, isFoundByRescan: true);
        Reboot.Mark(SwitchMark.DevicesQuiesced);
        KeepFigures();
        // The merge may go on for a while after the switch: what it writes first is kept, too.
        KeepLastView();
        Status committed = CommitDisk();
        if (committed != Status.Ok)
        {
            SwitchFailed(old, promoted, committed);
            return;
        }
        Reboot.Mark(SwitchMark.DiskCommitted);

        old.ShowDevicePages();
        promoted.ShadowMemory.MoveHome();
        ShowPromoted();
        CommitPlatform(promoted.Platform, ProcessorStep.CommitShadow);
        Reboot.Mark(SwitchMark.PlatformCommitted);

        old.Nvme.Reset();
        Primary = promoted;
        Shadow = old;
        promoted.IsShadow = false;
        promoted.WasPromoted = true;
        promoted.AllowsHypercalls = false;
        promoted.Nested = IdentityTable;
        old.IsShadow = true;
        _ = promoted.Nvme.Rebind(promoted.Memory, Disk!.PrimaryView, ApicMessages);
        ShowLastView(promoted);
        RunOnAll(ProcessorStep.Promote);
        promoted.PlaceRegisters();
        promoted.HideDevicePages();
        StartUps.Update();
        promoted.ShadowMemory.Clear();
        promoted.Nvme.Resume();
        Reboot.Mark(SwitchMark.ShadowEntered);
        Reboot.Succeed(settling: HasBackgroundWork);
        AnnounceDevices(promoted);
        promoted.Control!.Promoted();
        Log.Line("Hv: switched; free pages ", Pool.FreePages);
    }

    // The primary's devices are gone by now, so it cannot simply go on: this is reported, and the merge is tried again at the next request.
    private void SwitchFailed(GuestVm old, GuestVm promoted, Status status)
    {
        Log.Line("Hv: the disk failed at the switch, status ", (ulong)status);
        Disk!.Kept.Release();
        old.Nvme!.Resume();
        promoted.Nvme!.Resume();
        Reboot.Enter(ControlPhase.Ready);
        ShadowFailed(Disk!.Journal.State == JournalState.Failed ? ControlFailure.JournalError : ControlFailure.DiskError);
    }
}
