using System.Threading;

namespace Hv.Kernel.Processor;

/// <summary>A lock for which processors wait in turn (ticket lock). Not reentrant. Guests do not run on a processor that holds it or waits for it.</summary>
public sealed class ProcessorLock
{
    private int _next;
    private int _served;
    private int _owner = -1;

    /// <summary>Waits until it is this processor's turn.</summary>
    public void Enter(int processor)
    {
        Invariant.Holds(Volatile.Read(in _owner) != processor, "a lock taken twice");
        int ticket = Interlocked.Increment(ref _next) - 1;
        while (Volatile.Read(in _served) != ticket)
            Stubs.Pause();
        Volatile.Write(ref _owner, processor);
    }

    /// <summary>Lets the next one in.</summary>
    public void Leave()
    {
        Volatile.Write(ref _owner, -1);
        Volatile.Write(ref _served, _served + 1);
    }

    /// <summary>Whether <paramref name="processor"/> has it. On that processor.</summary>
    public bool IsHeldBy(int processor) => Volatile.Read(in _owner) == processor;
}
