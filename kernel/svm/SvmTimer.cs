using System;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Svm;

/// <summary>
/// A time limit for a guest, on a processor without a preemption timer: the local APIC's timer, which belongs to the primary, is
/// lent to Hv while the shadow runs and given back with the count that is due.
/// </summary>
internal struct SvmTimer
{
    /// <summary>Hv's vector: the highest, so that it is the first one that an open interrupt window takes.</summary>
    private const byte Vector = 0xFF;

    // An emulator may look at something else first when the window is open.
    private const int Attempts = 16;

    private bool _borrowed;
    private uint _lvt;
    private uint _initial;
    private uint _remaining;
    private uint _divide;
    private ulong _deadline;
    private ulong _started;
    private ulong _firesAt;

    /// <summary>
    /// Lets the timer fire in <paramref name="ticks"/> TSC ticks, or when the primary's own time is up. It stays with Hv over any number
    /// of exits until <see cref="GiveBack"/>; a shot that is set already and comes no later is left as it is.
    /// </summary>
    public void Arm(ulong ticks)
    {
        ulong now = Stubs.ReadTsc();
        ulong due = ticks > ulong.MaxValue - now ? ulong.MaxValue : now + ticks;
        if (!_borrowed)
            Borrow(now);
        else if (due >= _firesAt)
            return;
        _firesAt = due;
        if (IsDeadlineMode)
        {
            _ = Msr.Write(Msr.TscDeadline, _deadline != 0 && _deadline < due ? _deadline : due);
            return;
        }
        ulong count = ToCount(ticks);
        if (_remaining != 0)
            count = Math.Min(count, Left(now));
        LocalApicAccess.Write(LocalApicAccess.InitialCount, (uint)Math.Max(Math.Min(count, uint.MaxValue), 1));
    }

    /// <summary>Gives the timer back to the primary, if Hv has it. True if the exit was Hv's own timer interrupt and no interrupt is due to the primary's.</summary>
    public bool GiveBack()
    {
        if (!_borrowed)
            return false;
        _borrowed = false;
        bool fired = LocalApicAccess.IsRequested(Vector);
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, _lvt | LocalApicAccess.LvtMasked);
        if (!IsDeadlineMode)
            LocalApicAccess.Write(LocalApicAccess.InitialCount, 0);
        // It may fire between the look above and the mask.
        if (fired || LocalApicAccess.IsRequested(Vector))
        {
            fired = true;
            uint priority = LocalApicAccess.Read(LocalApicAccess.TaskPriority);
            LocalApicAccess.Write(LocalApicAccess.TaskPriority, Vector - 0x10u & 0xF0);
            for (int i = 0; i < Attempts && LocalApicAccess.IsRequested(Vector); i++)
                HostWindow.TakeOne();
            LocalApicAccess.Write(LocalApicAccess.TaskPriority, priority);
        }
        bool due = Restore();
        return fired && !due;
    }

    private readonly bool IsDeadlineMode => (_lvt & LocalApicAccess.TimerModeMask) == LocalApicAccess.TimerTscDeadline;

    private void Borrow(ulong now)
    {
        _borrowed = true;
        _started = now;
        _lvt = LocalApicAccess.Read(LocalApicAccess.LvtTimer);
        if (IsDeadlineMode)
        {
            _deadline = Msr.Read(Msr.TscDeadline);
            LocalApicAccess.Write(LocalApicAccess.LvtTimer, LocalApicAccess.TimerTscDeadline | Vector);
            return;
        }
        _divide = LocalApicAccess.Read(LocalApicAccess.DivideConfiguration);
        _remaining = LocalApicAccess.Read(LocalApicAccess.CurrentCount);
        _initial = LocalApicAccess.Read(LocalApicAccess.InitialCount);
        // Run down, but perhaps not yet fired: an emulator's timer fires a little after its count reads zero. Starting it anew would
        // drop that interrupt, so it is raised here. If the primary has served it already, it gets one too many, which does no harm.
        if (_remaining == 0 && _initial != 0 && (_lvt & LocalApicAccess.LvtMasked) == 0)
            LocalApicAccess.SendToSelf((byte)_lvt);
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, LocalApicAccess.TimerOneShot | Vector);
    }

    // True if the primary's own timer interrupt is now pending.
    private readonly bool Restore()
    {
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, _lvt);
        if (IsDeadlineMode)
        {
            _ = Msr.Write(Msr.TscDeadline, _deadline);
            return _deadline != 0 && _deadline <= Stubs.ReadTsc();
        }
        if (_remaining == 0)
            return false;
        uint left = Left(Stubs.ReadTsc());
        bool periodic = (_lvt & LocalApicAccess.TimerModeMask) == LocalApicAccess.TimerPeriodic;
        if (left != 0 || periodic)
            LocalApicAccess.Write(LocalApicAccess.InitialCount, periodic ? _initial : left);
        if (left != 0 || (_lvt & LocalApicAccess.LvtMasked) != 0)
            return false;
        LocalApicAccess.SendToSelf((byte)_lvt);
        return true;
    }

    // What is left of the primary's count.
    private readonly uint Left(ulong now)
    {
        ulong passed = ToCount(now - _started);
        return passed < _remaining ? _remaining - (uint)passed : 0;
    }

    private readonly ulong ToCount(ulong ticks) => ApicTimerRate.ToCount(ticks, _divide);
}
