using System;
using Hv.Kernel.Time;

namespace Hv.HostTests;

/// <summary>Time that goes on a bit each time it is looked at, and lets device models work meanwhile: every bounded wait ends.</summary>
public sealed class TickingTime : TimeSource
{
    public ulong Now;
    public ulong Step = 10_000;
    public Action? Tick;

    public override ulong Nanoseconds
    {
        get
        {
            Tick?.Invoke();
            return Now += Step;
        }
    }
}
