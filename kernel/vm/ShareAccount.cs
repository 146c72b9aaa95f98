using System;

namespace Hv.Kernel.Vm;

/// <summary>
/// What a processor owes a shadow whose primary is busy: time in proportion to what the primary has used. When an interrupt of the primary cuts a turn short, the rest is owed still, and
/// the shadow goes on soon after it has been served.
/// </summary>
public struct ShareAccount
{
    /// <summary>A busy primary runs for this many milliseconds before the shadow gets a whole turn.</summary>
    public const uint QuantumMilliseconds = 10;

    // After an interrupt the primary has half a millisecond to serve it.
    private const ulong GraceShare = 20;
    private const ulong SmallestPart = 8, MostTurns = 2;
    private const uint LargestShare = 90;

    private readonly ulong _quantum;
    private ulong _owed;
    private ulong _cutAt;
    private bool _isCut;

    /// <summary>Owes nothing; a millisecond has <paramref name="ticksPerMillisecond"/> TSC ticks.</summary>
    public ShareAccount(ulong ticksPerMillisecond)
    {
        _quantum = QuantumMilliseconds * ticksPerMillisecond;
        _owed = 0;
        _cutAt = 0;
        _isCut = false;
    }

    /// <summary>TSC ticks owed.</summary>
    public readonly ulong Owed => _owed;

    /// <summary>The primary has run for <paramref name="ticks"/> while the shadow's share was <paramref name="percent"/>.</summary>
    public void Earn(ulong ticks, uint percent)
    {
        percent = Math.Min(percent, LargestShare);
        if (percent == 0)
            return;
        ulong ran = Math.Min(ticks, _quantum * MostTurns);
        _owed = Math.Min(_owed + ran * percent / (100 - percent), Turn(percent) * MostTurns);
    }

    /// <summary>The shadow has run for <paramref name="ticks"/> until <paramref name="now"/>; <paramref name="isCut"/>: an interrupt of the primary has ended its turn.</summary>
    public void Spend(ulong ticks, ulong now, bool isCut)
    {
        _owed -= Math.Min(ticks, _owed);
        _isCut = isCut;
        _cutAt = now;
    }

    /// <summary>The shadow had nothing to do in its turn: nothing is owed to it any more.</summary>
    public void Forgive()
    {
        _owed = 0;
        _isCut = false;
    }

    /// <summary>TSC ticks from <paramref name="now"/> that the primary has until it is the shadow's turn if it goes on running; 0: now; all ones: never.</summary>
    public readonly ulong Until(ulong now, uint percent)
    {
        percent = Math.Min(percent, LargestShare);
        if (percent == 0)
            return ulong.MaxValue;
        ulong turn = Turn(percent);
        if (_isCut && _owed >= turn / SmallestPart)
        {
            ulong grace = _quantum / GraceShare, passed = now - _cutAt;
            return passed >= grace ? 0 : grace - passed;
        }
        return _owed >= turn ? 0 : (turn - _owed) * (100 - percent) / percent + 1;
    }

    private readonly ulong Turn(uint percent) => _quantum * percent / (100 - percent);
}
