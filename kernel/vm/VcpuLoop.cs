using System;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>
/// Runs the VMs of one processor: virtual processor k of either VM on processor k (DESIGN D8). The primary comes first: while there is a shadow, the primary's idle time is the shadow's, and a
/// busy primary gives way for a small share after its interrupts have been served.
/// </summary>
/// <remarks>Runs on the processor that it schedules.</remarks>
public sealed unsafe class VcpuLoop<TBackend> where TBackend : struct, IVcpuBackend
{
    /// <summary>How long the shadow runs at most before Hv looks for interrupts of the primary itself, in milliseconds.</summary>
    private const ulong SliceMilliseconds = 10;

    /// <summary>How long a processor waits at most before it looks at the shadow again, in milliseconds: a wake-up may be lost, but not for good.</summary>
    private const ulong LongestWaitMilliseconds = 100;

    private readonly LoopOwner _owner;
    private readonly PerProcessor* _host;
    private readonly ulong _ticksPerMillisecond;
    private readonly TurnTimes _times = new();
    private VcpuOf<TBackend> _primary;
    private VcpuOf<TBackend> _shadow;
    private VcpuOf<TBackend> _onProcessor;
    private ShareAccount _share;
    private ulong _lookedAt;
    private bool _yieldAsked;
    private bool _isBeingServed;

    /// <summary>Schedules <paramref name="primary"/>, which runs alone until its owner has a shadow in <paramref name="shadow"/>.</summary>
    public VcpuLoop(LoopOwner owner, VcpuOf<TBackend> primary, VcpuOf<TBackend> shadow, ulong tscFrequency)
    {
        _owner = owner;
        _host = primary.Host;
        _primary = primary;
        _shadow = shadow;
        _onProcessor = primary;
        _ticksPerMillisecond = tscFrequency / 1000;
        _share = new ShareAccount(_ticksPerMillisecond);
        owner.Turns[primary.Index] = _times;
    }

    /// <summary>Runs for ever.</summary>
    public void Run()
    {
        while (true)
        {
            if (_host->IsWanted)
                LookAround();
            if (_host->HasNmi)
                GiveNmi();
            if (!_owner.NeedsAttention)
            {
                RunPrimaryAlone();
                continue;
            }
            if (IsFirst)
            {
                _owner.DoWork();
                FollowRoles();
            }
            if (_owner.ShadowRuns)
                TakeTurns();
            else
                RunAlone();
        }
    }

    private bool IsFirst => _host->Index == 0;

    // Another processor wants something: that this one stops, or that it looks at a message.
    private void LookAround()
    {
        _host->TakeAttention();
        if (_owner.Processors.IsStopAsked && !IsFirst)
        {
            _owner.Processors.Park(_owner, _host->Index);
            FollowRoles();
        }
        if (_primary.TakeMessages())
            _primary.WakeUp();
    }

    private void GiveNmi()
    {
        if (!_host->TakeNmi())
            return;
        _primary.HasNmi = true;
        _primary.WakeUp();
    }

    private void RunPrimaryAlone()
    {
        Bring(_primary);
        if (_primary.WaitsForStartUp)
            _primary.WaitForStartUp();
        else
            _primary.RunOnce();
    }

    // A switch makes the shadow the primary: the two trade places here too.
    private void FollowRoles()
    {
        if (!_primary.Machine.IsShadow)
            return;
        VcpuOf<TBackend> old = _primary;
        _primary = _shadow;
        _shadow = old;
        _isBeingServed = false;
    }

    private void TakeTurns()
    {
        if (!_primary.IsHalted && !_primary.WaitsForStartUp)
            RunPrimary();
        else if (!RunShadow(ulong.MaxValue))
            WaitBoth();
    }

    private void RunPrimary()
    {
        Bring(_primary);
        ref TBackend backend = ref _primary.Backend;
        backend.SetHaltExiting(true);
        uint percent = _owner.ShadowShare;
        ulong now = Stubs.ReadTsc(), left = _share.Until(now, percent);
        if (backend.HasPreemptionTimer)
            backend.SetPreemption(Math.Max(left, 1));
        else
            backend.SetInterruptExiting(left == 0 && !_yieldAsked);
        ExitReason reason = _primary.RunOnce();
        ulong end = Stubs.ReadTsc();
        _share.Earn(end - now, percent);
        _times.EndPrimary(end);
        switch (reason)
        {
            case ExitReason.ExternalInterrupt:
                // It is served first; when the primary could take another one, it is the shadow's turn.
                backend.SetInterruptExiting(false);
                backend.SetInterruptWindow(true);
                _yieldAsked = true;
                break;
            case ExitReason.InterruptWindow:
            case ExitReason.TimerExpired:
                _yieldAsked = false;
                GiveShare(percent);
                break;
        }
    }

    private void GiveShare(uint percent)
    {
        if (_owner.ShadowRuns && _share.Until(Stubs.ReadTsc(), percent) == 0 && !RunShadow(_share.Owed))
            _share.Forgive();
    }

    // Runs the shadow until an interrupt for the primary comes, its time is over, or it idles; false if it has nothing to do.
    private bool RunShadow(ulong limit)
    {
        ulong began = Stubs.ReadTsc();
        bool ran = RunShadow(began, limit, out bool isCut);
        ulong now = Stubs.ReadTsc();
        _share.Spend(now - began, now, isCut);
        return ran;
    }

    private bool RunShadow(ulong began, ulong limit, out bool isCut)
    {
        bool isIdle = limit == ulong.MaxValue;
        ulong end = isIdle ? ulong.MaxValue : began + limit;
        isCut = false;
        bool ran = false;
        while (_owner.ShadowRuns)
        {
            if (_host->IsWanted)
                LookAround();
            isCut = _host->HasNmi || _primary.HasNmi;
            if (isCut || !_owner.ShadowRuns || (isIdle && !_primary.IsHalted && !_primary.WaitsForStartUp))
                return true;
            ulong next = _owner.PrepareShadow(_shadow);
            if (_shadow.IsHalted || _shadow.WaitsForStartUp)
                return ran;
            ulong now = Stubs.ReadTsc();
            if (now >= end)
                return true;
            Bring(_shadow);
            _shadow.Backend.SetPreemption(Math.Min(Math.Min(next, end - now), SliceMilliseconds * _ticksPerMillisecond));
            ran = true;
            _times.BeginShadow(Stubs.ReadTsc(), isIdle);
            ExitReason reason = _shadow.RunOnce();
            _times.EndShadow(Stubs.ReadTsc(), isIdle);
            if (reason == ExitReason.ExternalInterrupt || HasMissedInterrupt(reason == ExitReason.TimerExpired))
            {
                _primary.WakeUp();
                isCut = true;
                return true;
            }
            if (IsFirst && _owner.HasUrgentWork)
                return true;
        }
        return true;
    }

    // Bochs 3.1 does not let an interrupt exit while RFLAGS.IF is 0 in Hv and has not changed in the shadow; QEMU loses one now and then.
    private bool HasMissedInterrupt(bool mustLook)
    {
        ulong now = Stubs.ReadTsc();
        if (!mustLook && now - _lookedAt < _ticksPerMillisecond)
            return false;
        _lookedAt = now;
        if (!LocalApicAccess.HasRequests)
            return false;
        _primary.Backend.FindRequests();
        return true;
    }

    // Neither has anything to do: the primary waits in its own HLT, until an interrupt or the shadow's next event.
    private void WaitBoth()
    {
        ulong next = _owner.PrepareShadow(_shadow);
        if (!_shadow.IsHalted && !_shadow.WaitsForStartUp)
            return;
        ulong now = Stubs.ReadTsc(), due = next < ulong.MaxValue - now ? now + next : ulong.MaxValue;
        Bring(_primary);
        if (_primary.WaitsForStartUp)
            WaitHere(next);
        else
            WaitInPrimary(next);
        _times.EndWait(Stubs.ReadTsc(), due);
    }

    private void WaitInPrimary(ulong next)
    {
        ref TBackend backend = ref _primary.Backend;
        ulong halt = backend.Rip;
        backend.SetHaltExiting(false);
        backend.SetInterruptExiting(true);
        backend.SetPreemption(Math.Min(next, LongestWaitMilliseconds * _ticksPerMillisecond));
        ExitReason reason = _primary.RunOnce();
        backend.SetPreemption(ulong.MaxValue);
        backend.SetInterruptExiting(false);
        bool isPrimarys = reason == ExitReason.NonMaskableInterrupt && _host->HasNmi;
        bool isNothing = reason is ExitReason.TimerExpired or ExitReason.NonMaskableInterrupt or ExitReason.Attention && !isPrimarys;
        if (isNothing && !HasMissedInterrupt(true) && WaitRules.StillWaits(backend.Rip, halt, _primary.HaltLength))
            backend.Rip = halt;
        else if (backend.Rip == halt)
            _primary.WakeUp(); // The interrupt was there before HLT began: it has ended the wait all the same.
        else
            _primary.IsHalted = false;
    }

    // The primary is not to run at all, and the shadow has nothing to do for some TSC ticks.
    private void WaitHere(ulong ticks)
    {
        ulong began = Stubs.ReadTsc();
        while (Stubs.ReadTsc() - began < ticks && !_host->IsWanted)
            Stubs.Pause();
    }

    // No shadow, but somebody waits for a time limit: it is looked at with each exit, and HLT makes sure that there is one. Work in the
    // background does not wait for the primary to exit by itself.
    private void RunAlone()
    {
        // A shadow that was thrown away while the primary served an interrupt took the wish to yield with it: the next one starts afresh.
        _yieldAsked = false;
        Bring(_primary);
        _primary.WakeUp();
        if (!IsFirst)
        {
            RunPrimaryAlone();
            return;
        }
        ref TBackend backend = ref _primary.Backend;
        if (_owner.HasBackgroundWork)
            RunForAWhile();
        else
        {
            backend.SetHaltExiting(_owner.NeedsAttention);
            _primary.RunOnce();
        }
        _primary.WakeUp();
        backend.SetHaltExiting(false);
        backend.SetPreemption(ulong.MaxValue);
    }

    // Comes back with the next interrupt at the latest, or after a quantum; and not twice with the same interrupt, which has to be served in between.
    private void RunForAWhile()
    {
        ref TBackend backend = ref _primary.Backend;
        backend.SetHaltExiting(true);
        if (backend.HasPreemptionTimer)
            backend.SetPreemption(ShareAccount.QuantumMilliseconds * _ticksPerMillisecond);
        else
            backend.SetInterruptExiting(!_isBeingServed);
        ExitReason reason = _primary.RunOnce();
        backend.SetInterruptExiting(false);
        if (reason == ExitReason.ExternalInterrupt)
            backend.SetInterruptWindow(true);
        _isBeingServed = reason == ExitReason.ExternalInterrupt || _isBeingServed && reason != ExitReason.InterruptWindow;
    }

    private void Bring(VcpuOf<TBackend> vcpu)
    {
        if (_onProcessor == vcpu)
            return;
        VcpuOf<TBackend> old = _onProcessor;
        old.Backend.Deactivate();
        old.SaveProcessorState();
        vcpu.RestoreProcessorState();
        vcpu.Backend.Activate();
        _onProcessor = vcpu;
    }
}
