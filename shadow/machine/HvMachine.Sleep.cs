using System;
using Hv.Drivers.Block;
using Hv.Drivers.Control;
using Hv.Drivers.Platform;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Shadow.Machine;

/// <content>Suspend to RAM of the primary: the firmware starts Hv afterwards, and Hv starts the primary as the firmware would.</content>
public sealed unsafe partial class HvMachine
{
    private VcpuState _waking;
    private ulong _facs;
    private SleepingDisk? _sleepingDisk;
    private ProcessorSleep? _sleep;
    private readonly BlockRequest _flush = new(1);

    /// <summary>Suspends from which the machine came back.</summary>
    public uint Suspends { get; private set; }

    /// <summary>Lets Hv carry out suspends to RAM; <paramref name="facs"/> is the host-physical address of the firmware's control structure. While booting only.</summary>
    public void UseSleep(ProcessorSleep sleep, ulong facs)
    {
        _sleep = sleep;
        _facs = facs;
    }

    /// <summary>Hv has taken the boot disk over, so it is Hv that has to bring it through a suspend. While booting only.</summary>
    public void UseSleepingDisk(SleepingDisk disk)
    {
        _sleepingDisk = disk;
        Power.TakesSuspends = _sleep != null;
    }

    // A shadow's platform is virtual, and a suspended machine has no processor for it: the user, who has closed the lid, comes first.
    private void Suspend()
    {
        if (ShadowRuns || Reboot.Phase == ControlPhase.Preparing)
        {
            _startAsked = false;
            DropShadow(ControlFailure.Suspended);
        }
        Primary.Vcpu.EndTimeLimit();
        _flush.Prepare(BlockOperation.Flush, 0, 0);
        Status status = FinishMerge() ? Disk!.Kept.Execute(_flush) : Status.DeviceError;
        Primary.Nvme!.Pause();
        if (status == Status.Ok)
            status = _sleepingDisk!.PrepareForSleep();
        Span<byte> facs = new((byte*)_facs, FirmwareControl.Bytes);
        bool isPossible = status == Status.Ok && FirmwareControl.IsValid(facs) && ReadWakingState(facs);
        if (!isPossible)
            RefuseSuspend(status);
        bool slept = isPossible && Sleep(facs);
        status = _sleepingDisk!.WakeUp();
        if (status != Status.Ok)
            Log.Line("Hv: the disk does not come back, status ", (ulong)status);
        if (slept)
            WakePrimary();
        else
            Primary.Nvme.Resume();
    }

    // The primary waits for the end of its sleep: it is told that it has been woken already.
    private void RefuseSuspend(Status disk)
    {
        Log.Line("Hv: suspend to RAM is refused, disk status ", (ulong)disk);
        Power.PretendsWake = true;
        PrimaryMaps.SetPort(Configuration.Acpi.Pm1Event, true);
        PrimaryMaps.SetPort((ushort)(Configuration.Acpi.Pm1Event + 1), true);
    }

    private bool ReadWakingState(ReadOnlySpan<byte> facs) =>
        WakingState.TryProtected(FirmwareControl.ExtendedVector(facs), ref _waking) || WakingState.TryReal(FirmwareControl.WakingVector(facs), ref _waking);

    private bool Sleep(Span<byte> facs)
    {
        uint vector = FirmwareControl.WakingVector(facs);
        ulong extended = FirmwareControl.ExtendedVector(facs);
        FirmwareControl.SetVectors(facs, _sleep!.WakingVector, 0);
        ref readonly AcpiConfiguration acpi = ref Configuration.Acpi;
        // Only the upper byte of the register counts, in whatever way it was written.
        uint old = Ports.ReadPort(acpi.Pm1Control, 2);
        ushort value = (ushort)(old & ~(uint)AcpiPm.SleepTypeMask | (uint)acpi.SleepTypeSuspend << AcpiPm.SleepTypeShift | AcpiPm.SleepEnable);
        Log.Line("Hv: the machine goes to sleep");
        ulong before = Time.Nanoseconds;
        if (acpi.Pm1ControlB != 0)
            Ports.WritePort(acpi.Pm1ControlB, 2, value);
        bool slept = _sleep.Enter(acpi.Pm1Control, value, acpi.Pm1Event);
        FirmwareControl.SetVectors(facs, vector, extended);
        if (slept && Time.ContinueFrom(before))
            TellTimeBase();
        Log.Line(slept ? "Hv: the machine is awake again" : "Hv: the machine did not sleep");
        if (slept)
            RestartRemapping();
        return slept;
    }

    private void RestartRemapping()
    {
        Status status = Quiescer.Remapping?.Restart() ?? Status.Ok;
        if (status == Status.Ok)
            return;
        Log.Line("Hv: DMA remapping does not come back, status ", (ulong)status);
        Quiescer.Remapping = null;
        RemappingState = RemappingState.Unusable;
    }

    // Virtual local APICs count TSC deadlines from the clock's zero.
    private void TellTimeBase()
    {
        Primary.Platform.Interrupts.SetTscBase(Time.Start);
        Shadow.Platform.Interrupts.SetTscBase(Time.Start);
        Snapshot!.Platform.Interrupts.SetTscBase(Time.Start);
    }

    // The virtual disk controller has lost its state as a real one would have.
    private void WakePrimary()
    {
        Suspends++;
        GuestVm vm = Primary;
        vm.Nvme!.Reset();
        new Span<byte>(vm.Vcpu.ExtendedState, (int)(ExtendedState.Pages * PageSize.Small)).Clear();
        ExtendedState.SetInitial(vm.Vcpu.ExtendedState);
        vm.Vcpu.ResetProcessorState();
        vm.Vcpu.Xcr0 = 1;
        vm.Vcpu.Load(in _waking);
        vm.Vcpu.RestoreProcessorState();
        vm.Vcpu.SetRole(shadow: false);
        vm.Vcpu.FlushNested();
        vm.Platform.Clock.Now = Time.Nanoseconds;
        vm.Platform.AssumeFirmware();
        vm.PlaceRegisters();
    }
}
