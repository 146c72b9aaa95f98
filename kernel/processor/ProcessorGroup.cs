using System.Threading;

namespace Hv.Kernel.Processor;

/// <summary>The processors that Hv runs on, and how one of them stops all others for a moment.</summary>
/// <remarks>
/// Processor 0 is the only one that stops the others, while it holds no lock. A stopped processor is in Hv, out of its guest, and holds no lock either; it carries out what
/// <see cref="RunOnAll"/> says and nothing else.
/// </remarks>
public sealed unsafe class ProcessorGroup
{
    /// <summary>Most processors that Hv can use.</summary>
    public const int Maximum = 64;

    // A processor that has not come after so many TSC ticks (tens of seconds) never will.
    private const ulong PatienceTicks = 1ul << 36;

    private readonly ulong[] _records = new ulong[Maximum];
    private readonly ProcessorLock _lock;
    private int _count;
    private int _isStopAsked;
    private int _parked;
    private int _step;
    private int _steps;
    private int _done;

    /// <summary>Whoever waits for another processor must not have <paramref name="innermost"/>, which the other one may need: that is checked.</summary>
    public ProcessorGroup(ProcessorLock innermost) => _lock = innermost;

    /// <summary>How many have joined.</summary>
    public int Count => Volatile.Read(in _count);

    /// <summary>A processor that has joined.</summary>
    public PerProcessor* this[int index] => (PerProcessor*)_records[index];

    /// <summary>Whether this processor shall park.</summary>
    public bool IsStopAsked => Volatile.Read(in _isStopAsked) != 0;

    /// <summary>A processor joins, the next one by number. One at a time.</summary>
    public void Join(PerProcessor* processor)
    {
        int index = Count;
        Invariant.Holds(index < Maximum && processor->Index == index, "processors join in order");
        _records[index] = (ulong)processor;
        Volatile.Write(ref _count, index + 1);
    }

    /// <summary>Makes processor <paramref name="index"/> look around, if it has joined.</summary>
    public void Wake(int index)
    {
        if (index < Count)
            this[index]->AskForAttention();
    }

    /// <summary>Stops all other processors. On processor 0, which holds no lock.</summary>
    public void StopOthers()
    {
        CheckOrder(0);
        _ = Interlocked.Exchange(ref _isStopAsked, 1);
        int count = Count;
        for (int i = 1; i < count; i++)
            this[i]->AskForAttention();
        WaitFor(ref _parked, count - 1, mustKick: true);
    }

    /// <summary>Lets them go on.</summary>
    public void ResumeOthers() => Volatile.Write(ref _isStopAsked, 0);

    /// <summary>
    /// Has every processor carry out <paramref name="step"/> of <paramref name="owner"/>, this one last. All others are stopped. They may do it at the same time.
    /// </summary>
    public void RunOnAll(StopOwner owner, int step)
    {
        CheckOrder(0);
        _step = step;
        Volatile.Write(ref _done, 0);
        _ = Interlocked.Increment(ref _steps);
        WaitFor(ref _done, Count - 1, mustKick: false);
        owner.CarryOut(step, 0);
    }

    /// <summary>Stays here while processor 0 wants it. On any other processor, which holds no lock.</summary>
    public void Park(StopOwner owner, int index)
    {
        CheckOrder(index);
        int seen = Volatile.Read(in _steps);
        _ = Interlocked.Increment(ref _parked);
        while (IsStopAsked)
        {
            int now = Volatile.Read(in _steps);
            if (now != seen)
            {
                seen = now;
                owner.CarryOut(_step, index);
                _ = Interlocked.Increment(ref _done);
            }
            Stubs.Pause();
        }
        _ = Interlocked.Decrement(ref _parked);
    }

    private void CheckOrder(int processor) => Invariant.Holds(!_lock.IsHeldBy(processor), "a wait for other processors with the lock");

    private void WaitFor(ref int counter, int wanted, bool mustKick)
    {
        ulong began = Stubs.ReadTsc();
        while (Volatile.Read(in counter) != wanted)
        {
            for (int i = 1; mustKick && i <= wanted; i++)
                this[i]->Kick();
            Stubs.Pause();
            Invariant.Holds(Stubs.ReadTsc() - began < PatienceTicks, "a processor does not answer");
        }
    }
}
