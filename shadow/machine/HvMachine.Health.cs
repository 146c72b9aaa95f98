using System;
using Hv.Drivers.Control;
using Hv.Drivers.Platform;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Time;
using Hv.Shadow.Health;

namespace Hv.Shadow.Machine;

/// <content>Finds out that a shadow has failed, or takes too long.</content>
public sealed unsafe partial class HvMachine
{
    /// <summary>After how many seconds a shadow that is not ready is thrown away, unless the user says otherwise.</summary>
    public const uint DefaultTimeLimit = 3600;

    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private readonly PanicWatch _panic = new();
    private ulong _readyBefore = VirtualClock.Never;
    private bool _deadlineIsOver;

    /// <summary>The serial log of the shadow, or of the last one there was: after a switch, that is the primary.</summary>
    public SerialLog ShadowLog => (Reboot.Phase == ControlPhase.Idle || Reboot.Phase == ControlPhase.Settling) && Primary.WasPromoted
        ? Primary.Platform.Log : Shadow.Platform.Log;

    /// <summary>The shadow cannot go on, or shall not.</summary>
    public void ShadowFailed(ControlFailure failure) => ShadowFailed(failure, default);

    /// <summary>The shadow cannot go on, or shall not; <paramref name="message"/> says more, in ASCII. Of several failures the first one counts.</summary>
    public void ShadowFailed(ControlFailure failure, ReadOnlySpan<byte> message)
    {
        if (_failure != ControlFailure.None)
            return;
        bool isConsequence = failure is ControlFailure.Crashed or ControlFailure.Restarted or ControlFailure.Halted or ControlFailure.PoweredOff;
        if (failure == ControlFailure.KernelPanic || (isConsequence && _panic.HasPanicked))
        {
            _failure = ControlFailure.KernelPanic;
            if (_panic.Reason.Length == 0)
                return;
            Reboot.Message.Append("Its last words: "u8);
            Reboot.Message.Append(_panic.Reason);
            Reboot.Message.Append("."u8);
            return;
        }
        _failure = failure;
        Reboot.Message.Append(message);
    }

    /// <summary>The shadow's processor waits with interrupts off, at guest-virtual <paramref name="rip"/>.</summary>
    public void ShadowHalted(ulong rip)
    {
        if (_failure != ControlFailure.None)
            return;
        Log.Line("Hv: the shadow halted for good at ", rip);
        ShadowFailed(ControlFailure.Halted);
        if (_failure != ControlFailure.Halted)
            return;
        Reboot.Message.Append("The instruction is at "u8);
        Reboot.Message.AppendAddress(rip);
        Reboot.Message.Append("h."u8);
    }

    private ulong NextDeadline
    {
        get
        {
            ulong next = Math.Min(_panic.Deadline, Reboot.Phase == ControlPhase.Ready ? VirtualClock.Never : _readyBefore);
            next = Math.Min(next, Primary.Control!.NextDeadline);
            return Math.Min(next, Shadow.Control!.NextDeadline);
        }
    }

    private void BeginWatch(uint seconds) =>
        _readyBefore = Time.Nanoseconds + (seconds == 0 ? DefaultTimeLimit : seconds) * NanosecondsPerSecond;

    private void ClearConsole()
    {
        Screen.Clear();
        Shadow.Platform.Log.Clear();
        _panic.Begin(Shadow.Platform.Log);
    }

    private void WatchConsole() => _panic.Read(Shadow.Platform.Log, Shadow.Platform.Clock.Now);

    private void CheckDeadlines()
    {
        _deadlineIsOver = false;
        if (!ShadowRuns)
            return;
        ulong now = Time.Nanoseconds;
        if (now >= _panic.Deadline)
            ShadowFailed(ControlFailure.KernelPanic);
        else if (Reboot.Phase != ControlPhase.Ready && now >= _readyBefore)
            ShadowFailed(ControlFailure.TimedOut);
    }
}
