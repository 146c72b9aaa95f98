namespace Hv.Kernel.Time;

/// <summary>The end of a time limit.</summary>
public readonly struct Deadline
{
    private readonly TimeSource _time;
    private readonly ulong _start;
    private readonly ulong _limit;

    /// <summary>Starts a limit of <paramref name="nanoseconds"/> now.</summary>
    public Deadline(TimeSource time, ulong nanoseconds)
    {
        _time = time;
        _start = time.Nanoseconds;
        _limit = nanoseconds;
    }

    /// <summary>Whether the time is over.</summary>
    public bool HasPassed => _time.Nanoseconds - _start >= _limit;
}
