using Hv.Drivers.Platform;
using Hv.Kernel.Processor;
using Hv.Kernel.Vm;

namespace Hv.Shadow.Machine;

/// <content>What concerns more than one processor: the machine's lock, wake-ups, and the steps of a fork or a switch that each processor carries out itself.</content>
public sealed unsafe partial class HvMachine
{
    private VcpuState[] _states = [];
    private bool _wasAttentive;
    private BootSnapshot? _capturing;

    /// <summary>How the primary starts its processors.</summary>
    public StartUps StartUps { get; private set; } = null!;

    /// <summary>Lets the machine have processors with these APIC IDs. While booting only.</summary>
    public void UseProcessors(uint[] apicIds)
    {
        StartUps = new StartUps(this, apicIds);
        _states = new VcpuState[apicIds.Length];
    }

    /// <summary>Wakes processors for which something has come up in an exit of processor <paramref name="current"/>. With the lock.</summary>
    public void WakeOthers(int current)
    {
        if (Processors.Count == 1)
            return;
        if (ShadowRuns)
            WakeShadowProcessors(current);
        if (current != 0 && (HasUrgentWork || NeedsAttention && !_wasAttentive))
            Processors.Wake(0);
    }

    // A processor whose primary is busy looks at the shadow's interrupts when it is the shadow's turn.
    private void WakeShadowProcessors(int current)
    {
        ulong wanted = Shadow.Platform.Interrupts.TakeWanted() & ~(1ul << current);
        for (int i = 0; wanted != 0; i++, wanted >>= 1)
        {
            if ((wanted & 1) == 0 || i >= Processors.Count || Primary.Vcpus[i].IsRunning && !Primary.Vcpus[i].IsHalted)
                continue;
            if (Shadow.Vcpus[i].IsHalted)
                Turns[i]!.Want(Stubs.ReadTsc());
            Processors.Wake(i);
        }
    }

    // A shadow starts: from now on it is counted where the time goes. While the others are stopped.
    private void BeginTurns()
    {
        ulong now = Stubs.ReadTsc();
        for (int i = 0; i < Processors.Count; i++)
            Turns[i]!.Begin(now);
    }

    /// <inheritdoc/>
    public override ulong PrepareShadow(Vcpu vcpu)
    {
        int index = vcpu.Index;
        Lock.Enter(index);
        PlatformInterrupts interrupts = Shadow.Platform.Interrupts;
        ulong next = AdvanceShadow();
        if (interrupts.TakeInit(index))
            InitializeShadow(vcpu);
        if (interrupts.TakeStartUp(index, out byte vector))
            vcpu.StartUp(vector);
        if (!vcpu.WaitsForStartUp)
            OfferEvents(vcpu, interrupts);
        WakeShadowProcessors(index);
        Lock.Leave();
        return next;
    }

    private void InitializeShadow(Vcpu vcpu)
    {
        if (vcpu.Index == 0)
            Shadow.Platform.Latch.Ask(ResetRequest.Reset);
        else
            vcpu.Initialize();
    }

    private static void OfferEvents(Vcpu vcpu, PlatformInterrupts interrupts)
    {
        int index = vcpu.Index;
        if (interrupts.HasPendingNmi(index))
        {
            interrupts.AcknowledgeNmi(index);
            vcpu.HasNmi = true;
            vcpu.WakeUp();
        }
        if (!interrupts.HasPendingInterrupt(index) || vcpu.IsHalted && !vcpu.EndsOnInterrupt)
            return;
        bool taken = vcpu.CanTakeInterrupt;
        vcpu.WakeUp();
        if (taken)
            vcpu.InjectInterrupt(interrupts.Acknowledge(index));
        else
            vcpu.OpenInterruptWindow();
    }

    private void RunOnAll(ProcessorStep step) => Processors.RunOnAll(this, (int)step);

    /// <summary>Keeps the state of all other processors in the boot snapshot. In an exit of processor 0, which has the lock.</summary>
    public void CaptureOthers(BootSnapshot snapshot)
    {
        Lock.Leave();
        Processors.StopOthers();
        _capturing = snapshot;
        RunOnAll(ProcessorStep.CaptureSnapshot);
        _capturing = null;
        Processors.ResumeOthers();
        Lock.Enter(0);
    }

    /// <inheritdoc/>
    public override void CarryOut(int step, int processor)
    {
        Vcpu primary = Primary.Vcpus[processor], shadow = Shadow.Vcpus[processor];
        switch ((ProcessorStep)step)
        {
            case ProcessorStep.CaptureSnapshot:
                if (processor != 0)
                    _capturing!.TakeOther(primary, Real);
                break;
            case ProcessorStep.EndTimeLimits:
                primary.EndTimeLimit();
                shadow.EndTimeLimit();
                break;
            case ProcessorStep.Fork:
                Fork(primary, shadow);
                break;
            case ProcessorStep.StartShadow:
                Shadow.Msrs[processor].Clear();
                Snapshot!.Restore(Shadow, processor);
                Shadow.Platform.Interrupts.LocalApics[processor].WaitsForStartUp = shadow.WaitsForStartUp;
                shadow.SetRole(shadow: true);
                shadow.SetNestedRoot(Shadow.Nested.Root);
                break;
            case ProcessorStep.DropShadow:
                primary.SetRole(shadow: false);
                primary.WakeUp();
                break;
            case ProcessorStep.CommitShadow:
                primary.SetRole(shadow: true);
                CommitLocal(Shadow.Platform, processor);
                Shadow.Msrs[processor].Commit();
                break;
            case ProcessorStep.Promote:
                primary.SetRole(shadow: false);
                primary.SetNestedRoot(IdentityTable.Root);
                primary.WakeUp();
                break;
            case ProcessorStep.Restart:
                Primary.Platform.Interrupts.LocalApics[processor].WaitsForStartUp = false;
                CommitLocal(Primary.Platform, processor);
                Snapshot!.Restore(Primary, processor);
                Snapshot.Msrs[processor].Restore();
                primary.RestoreProcessorState();
                primary.SetRole(shadow: false);
                primary.FlushNested();
                break;
        }
    }

    // The primary is on the processor, so what no control block carries is there.
    private void Fork(Vcpu primary, Vcpu shadow)
    {
        int index = primary.Index;
        Lock.Enter(index);
        Shadow.Platform.CaptureLocal(index, Real);
        Lock.Leave();
        ref VcpuState state = ref _states[index];
        primary.Save(ref state);
        shadow.SaveProcessorState();
        shadow.Load(in state);
        shadow.WaitsForStartUp = primary.WaitsForStartUp;
        Shadow.Platform.Interrupts.LocalApics[index].WaitsForStartUp = primary.WaitsForStartUp;
        shadow.StartUps = primary.StartUps;
        shadow.HasNmi = primary.HasNmi;
        Shadow.Msrs[index].Clear();
        shadow.SetRole(shadow: true);
        shadow.SetNestedRoot(Shadow.Nested.Root);
    }

    // What the old system has left in the real local APIC is dropped.
    private void CommitLocal(VirtualPlatform platform, int processor)
    {
        LocalApicReset.Drain();
        Lock.Enter(processor);
        platform.CommitLocal(processor, Real);
        Lock.Leave();
    }

    // All processors: shared devices first, so that no interrupt of the old system comes any more.
    private void CommitPlatform(VirtualPlatform platform, ProcessorStep step)
    {
        platform.Clock.Now = Time.Nanoseconds;
        platform.Advance();
        platform.BeginCommit(Real);
        RunOnAll(step);
        platform.EndCommit(Real);
    }
}
