namespace Hv.Kernel.Vm;

/// <summary>What the loop of a processor asks of the machine above it. Asked only while there is something besides a lone primary.</summary>
public abstract class LoopOwner
{
    /// <summary>There is a shadow, or work is waiting: the loop asks before each entry. Read without a call on the primary's path.</summary>
    public bool NeedsAttention;

    /// <summary>Carries out what exits have asked for (start, abort, switch). Between exits, nothing is running.</summary>
    public abstract void DoWork();

    /// <summary>Whether the shadow may run.</summary>
    public abstract bool ShadowRuns { get; }

    /// <summary>An exit asked for something that cannot wait until the shadow's turn is over, or a time limit has run out.</summary>
    public abstract bool HasUrgentWork { get; }

    /// <summary>Whether <see cref="DoWork"/> wants to be called every few milliseconds, even if a primary without shadow never exits by itself.</summary>
    public abstract bool HasBackgroundWork { get; }

    /// <summary>The least share of the processor for the shadow, in percent.</summary>
    public abstract uint ShadowShare { get; }

    /// <summary>
    /// Brings the shadow's devices up to now. Returns TSC ticks until they want it again, or until a time limit runs out that
    /// <see cref="DoWork"/> looks at; all ones: never.
    /// </summary>
    public abstract ulong AdvanceShadow();

    /// <summary>Whether the shadow's interrupt controllers have an interrupt for it.</summary>
    public abstract bool ShadowHasInterrupt { get; }

    /// <summary>Takes that interrupt from them.</summary>
    public abstract byte AcknowledgeShadowInterrupt();
}
