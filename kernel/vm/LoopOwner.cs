using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>What the loops of the processors ask of the machine above them. Asked only while there is something besides a lone primary.</summary>
public abstract class LoopOwner : StopOwner
{
    /// <summary>There is a shadow, or work is waiting: the loops ask before each entry. Read without a call on the primary's path.</summary>
    public bool NeedsAttention;

    /// <summary>
    /// Guards everything of the machine that exits of different processors use: devices, the disk, the shadow's memory, the life of the shadow. The only lock there is;
    /// nobody waits for another processor to do something that needs it while he has it.
    /// </summary>
    public readonly ProcessorLock Lock = new();

    /// <summary>The processors.</summary>
    public readonly ProcessorGroup Processors;

    /// <summary>Without processors.</summary>
    protected LoopOwner() => Processors = new ProcessorGroup(Lock);

    /// <summary>Where the time of each processor goes, by number; each loop puts its own here.</summary>
    public readonly TurnTimes?[] Turns = new TurnTimes?[ProcessorGroup.Maximum];

    /// <summary>Carries out what exits have asked for (start, abort, switch). On processor 0, between exits.</summary>
    public abstract void DoWork();

    /// <summary>Whether the shadow may run. Changes only while all other processors are stopped.</summary>
    public abstract bool ShadowRuns { get; }

    /// <summary>An exit asked for something that cannot wait until the shadow's turn is over, or a time limit has run out.</summary>
    public abstract bool HasUrgentWork { get; }

    /// <summary>Whether <see cref="DoWork"/> wants to be called every few milliseconds, even if a primary without shadow never exits by itself.</summary>
    public abstract bool HasBackgroundWork { get; }

    /// <summary>The least share of a processor for the shadow, in percent.</summary>
    public abstract uint ShadowShare { get; }

    /// <summary>
    /// Brings the shadow's devices up to now, and gives <paramref name="vcpu"/>, which is this processor's, what waits for it: messages, NMI, interrupt. Returns TSC ticks until its
    /// devices want it again, or until a time limit runs out that <see cref="DoWork"/> looks at; all ones: never.
    /// </summary>
    public abstract ulong PrepareShadow(Vcpu vcpu);
}
