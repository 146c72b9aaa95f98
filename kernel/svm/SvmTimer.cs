using System;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Svm;

/// <summary>
/// A time limit for a guest, on a processor without a preemption timer: the local APIC's timer, which belongs to the primary, is
/// lent to Hv while the shadow runs and given back with the count that is due. Only while the shadow runs.
/// </summary>
internal struct SvmTimer
{
    /// <summary>Hv's vector: the highest, so that it is the first one that an open interrupt window takes.</summary>
    private const byte Vector = 0xFF;


    private uint _lvt;
    private uint _initial;
    private uint _remaining;
    private ulong _deadline;
    private ulong _started;

    /// <summary>Takes the timer and lets it fire after <paramref name="ticks"/> TSC ticks, or when the primary's own time is up.</summary>
    public void Borrow(ulong ticks)
    {
        _started = Stubs.ReadTsc();
        _lvt = LocalApicAccess.Read(LocalApicAccess.LvtTimer);
        if ((_lvt & LocalApicAccess.TimerModeMask) == LocalApicAccess.TimerTscDeadline)
        {
            _deadline = Msr.Read(Msr.TscDeadline);
            ulong due = _started + ticks;
            LocalApicAccess.Write(LocalApicAccess.LvtTimer, LocalApicAccess.TimerTscDeadline | Vector);
            _ = Msr.Write(Msr.TscDeadline, _deadline != 0 && _deadline < due ? _deadline : due);
            return;
        }
        _remaining = LocalApicAccess.Read(LocalApicAccess.CurrentCount);
        _initial = LocalApicAccess.Read(LocalApicAccess.InitialCount);
        // Run down, but perhaps not yet fired: an emulator's timer fires a little after its count reads zero. Starting it anew would
        // drop that interrupt, so it is raised here. If the primary has served it already, it gets one too many, which does no harm.
        if (_remaining == 0 && _initial != 0 && (_lvt & LocalApicAccess.LvtMasked) == 0)
            LocalApicAccess.SendToSelf((byte)_lvt);
        ulong count = ToCount(ticks);
        if (_remaining != 0 && _remaining < count)
            count = _remaining;
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, LocalApicAccess.TimerOneShot | Vector);
        LocalApicAccess.Write(LocalApicAccess.InitialCount, (uint)Math.Max(Math.Min(count, uint.MaxValue), 1));
    }

    /// <summary>Gives the timer back to the primary. True if the exit was Hv's own timer interrupt and nothing else is pending.</summary>
    public bool GiveBack()
    {
        bool fired = LocalApicAccess.IsRequested(Vector);
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, _lvt | LocalApicAccess.LvtMasked);
        if ((_lvt & LocalApicAccess.TimerModeMask) != LocalApicAccess.TimerTscDeadline)
            LocalApicAccess.Write(LocalApicAccess.InitialCount, 0);
        // It may fire between the look above and the mask.
        if (fired || LocalApicAccess.IsRequested(Vector))
        {
            fired = true;
            uint priority = LocalApicAccess.Read(LocalApicAccess.TaskPriority);
            LocalApicAccess.Write(LocalApicAccess.TaskPriority, Vector - 0x10u & 0xF0);
            HostWindow.TakeOne();
            LocalApicAccess.Write(LocalApicAccess.TaskPriority, priority);
        }
        bool due = Restore();
        return fired && !due;
    }

    // True if the primary's own timer interrupt is now pending.
    private bool Restore()
    {
        if ((_lvt & LocalApicAccess.TimerModeMask) == LocalApicAccess.TimerTscDeadline)
        {
            LocalApicAccess.Write(LocalApicAccess.LvtTimer, _lvt);
            _ = Msr.Write(Msr.TscDeadline, _deadline);
            return _deadline != 0 && _deadline <= Stubs.ReadTsc();
        }
        LocalApicAccess.Write(LocalApicAccess.LvtTimer, _lvt);
        if (_remaining == 0)
            return false;
        ulong passed = ToCount(Stubs.ReadTsc() - _started);
        bool periodic = (_lvt & LocalApicAccess.TimerModeMask) == LocalApicAccess.TimerPeriodic;
        if (passed < _remaining)
        {
            LocalApicAccess.Write(LocalApicAccess.InitialCount, periodic ? _initial : _remaining - (uint)passed);
            return false;
        }
        if (periodic)
            LocalApicAccess.Write(LocalApicAccess.InitialCount, _initial);
        if ((_lvt & LocalApicAccess.LvtMasked) != 0)
            return false;
        LocalApicAccess.SendToSelf((byte)_lvt);
        return true;
    }

    private static ulong ToCount(ulong ticks) => ApicTimerRate.ToCount(ticks, LocalApicAccess.Read(LocalApicAccess.DivideConfiguration));
}
