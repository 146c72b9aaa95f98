using Hv.Drivers.Control;
using Hv.Drivers.Platform;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Processor;
using Hv.Kernel.Time;
using Hv.Kernel.Vm;
using Hv.Shadow.Blocks;

namespace Hv.Shadow.Machine;

/// <content>What the primary asks of the machine itself: resets that Hv answers by going back to the boot snapshot.</content>
public sealed unsafe partial class HvMachine
{
    // Longer than any chipset takes to act on a reset that was written to it.
    private const ulong ResetLimit = 2_000_000_000;

    /// <summary>Resets that Hv has answered itself.</summary>
    public uint FastReboots { get; private set; }

    /// <summary>How long the last one took, from the primary's write to its first instruction, ns.</summary>
    public ulong FastRebootNanoseconds { get; private set; }

    /// <summary>Lets Hv answer resets of the machine, or leaves them to the hardware. A <see cref="ControlStatus"/> value, or 0.</summary>
    public ushort SetFastReboot(bool isOn)
    {
        if (isOn && Snapshot == null)
            return ControlStatus.Unavailable;
        Power.TakesResets = isOn;
        return 0;
    }

    private void CarryOutPower()
    {
        PowerRequest request = Power.Pending;
        Power.Clear();
        if (request == PowerRequest.Suspend)
            Suspend();
        else if (!Restart())
            ResetHardware();
    }

    // False: the boot snapshot cannot be restored. Nothing of the primary's memory has been changed then, but it must not run on.
    private bool Restart()
    {
        ulong began = Time.Nanoseconds;
        Log.Line("Hv: the machine restarts; free pages ", Pool.FreePages);
        if (Snapshot == null || !EndShadow())
            return false;
        GuestVm vm = Primary;
        RunOnAll(ProcessorStep.EndTimeLimits);
        vm.Nvme!.Reset();
        Snapshot.RestorePlatform(vm);
        QuietDevices(vm, isFoundByRescan: false);
        if (!Quiescer.RestoreCommands())
        {
            Log.Line("Hv: a device cannot be reset");
            return false;
        }
        Snapshot.Memory.Restore();
        CommitPlatform(vm.Platform, ProcessorStep.Restart);
        vm.AllowsHypercalls = true;
        vm.WasPromoted = false;
        vm.PlaceRegisters();
        StartUps.Update();
        ClearExits(vm);
        FastReboots++;
        FastRebootNanoseconds = Time.Nanoseconds - began;
        Log.Write("Hv: restarted in ");
        Log.Decimal(FastRebootNanoseconds / 1_000_000);
        Log.Line(" ms; free pages ", Pool.FreePages);
        return true;
    }

    // Nobody waits for a shadow any more, nor for what a switch has left to do.
    private bool EndShadow()
    {
        if (ShadowRuns)
            DropShadow(ControlFailure.Aborted);
        _startAsked = _abortAsked = _switchAsked = _restartAsked = false;
        _failure = ControlFailure.None;
        if (!FinishMerge())
            return false;
        DropLastView();
        Reboot.Forget();
        return true;
    }

    // As the primary wanted it; what it had not thought of is a reset all the same.
    private void ResetHardware()
    {
        Log.Line("Hv: the reset is left to the hardware");
        Ports.WritePort(Power.Port, Power.Size, Power.Value);
        var limit = new Deadline(Time, ResetLimit);
        while (!limit.HasPassed)
            Stubs.Pause();
        ResetNow();
    }

    private void ResetNow()
    {
        const byte hardReset = 0x06;
        Ports.WritePort(ResetPorts.ResetControl, 1, hardReset);
        Panic.Stop("the machine did not reset");
    }
}
