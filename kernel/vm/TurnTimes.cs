using System;

namespace Hv.Kernel.Vm;

/// <summary>
/// Where the time of one processor goes while there is a shadow, in TSC ticks. Every tick is counted once: each of these methods accounts for what has passed since the one before.
/// </summary>
/// <remarks>Written by the processor itself, read by others at any time; only <see cref="Want"/> may be called on another one.</remarks>
public sealed class TurnTimes
{
    private ulong _since;
    private ulong _wantedAt;

    /// <summary>The primary ran, or Hv for it.</summary>
    public ulong Primary;

    /// <summary>The shadow ran while the primary was idle.</summary>
    public ulong ShadowInIdle;

    /// <summary>The shadow ran though the primary was busy: its share, with what bringing it to the processor took.</summary>
    public ulong ShadowByShare;

    /// <summary>Neither had anything to do.</summary>
    public ulong Waited;

    /// <summary>The primary was idle and the shadow had something to do, but it did not run: Hv was at work, or had not noticed yet.</summary>
    public ulong Lost;

    /// <summary>A shadow starts.</summary>
    public void Begin(ulong now)
    {
        Primary = ShadowInIdle = ShadowByShare = Waited = Lost = 0;
        _since = now;
    }

    /// <summary>The primary has run.</summary>
    public void EndPrimary(ulong now) => Primary += Take(now);

    /// <summary>The shadow is about to be entered.</summary>
    public void BeginShadow(ulong now, bool isIdle)
    {
        ulong ticks = Take(now);
        if (isIdle)
            Lost += ticks;
        else
            ShadowByShare += ticks;
    }

    /// <summary>It has run.</summary>
    public void EndShadow(ulong now, bool isIdle)
    {
        ulong ticks = Take(now);
        if (isIdle)
            ShadowInIdle += ticks;
        else
            ShadowByShare += ticks;
    }

    /// <summary>Both have waited for something that was to come at <paramref name="due"/>, or sooner.</summary>
    public void EndWait(ulong now, ulong due)
    {
        ulong began = _since, end = Math.Min(now, due);
        if (_wantedAt > began)
            end = Math.Min(end, _wantedAt);
        ulong ticks = Take(now), waited = Math.Min(ticks, end > began ? end - began : 0);
        Waited += waited;
        Lost += ticks - waited;
    }

    /// <summary>Another processor has something for the shadow here, which waits.</summary>
    public void Want(ulong now) => _wantedAt = now;

    // The counters of two processors may differ a little.
    private ulong Take(ulong now)
    {
        ulong ticks = now > _since ? now - _since : 0;
        _since = now;
        return ticks;
    }
}
