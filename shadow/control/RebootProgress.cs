using Hv.Drivers.Control;
using Hv.Kernel.Time;

namespace Hv.Shadow.Control;

/// <summary>Phase, times and figures of the shadow reboot that is under way or was the last one.</summary>
public sealed class RebootProgress
{
    private readonly TimeSource _time;
    private readonly ulong[] _marks = new ulong[(int)SwitchMark.Count];
    private ulong _began;
    private ulong _phaseBegan;
    private ulong _ended;

    /// <summary>Nothing has happened yet.</summary>
    public RebootProgress(TimeSource time) => _time = time;

    /// <summary>The phase.</summary>
    public ControlPhase Phase { get; private set; }

    /// <summary>Grows with each change of phase.</summary>
    public uint Sequence { get; private set; }

    /// <summary>Why the last shadow came to nothing.</summary>
    public ControlFailure Failure { get; private set; }

    /// <summary>What there is to add to <see cref="Failure"/>.</summary>
    public readonly FailureMessage Message = new();

    /// <summary>Switches since Hv was started.</summary>
    public ulong SwitchCount { get; private set; }

    /// <summary>Figures of the last shadow, kept when it is gone.</summary>
    public ulong PagesCopied, PagesZeroFilled, OverlayBytes, PreservedBytes;

    /// <summary>After the pool was empty: how large a pool would have been enough; else 0.</summary>
    public ulong WantedPoolBytes;

    /// <summary>Nanoseconds since the reboot began, up to its end.</summary>
    public ulong Elapsed => _began == 0 ? 0 : (_ended != 0 ? _ended : _time.Nanoseconds) - _began;

    /// <summary>Nanoseconds since the phase began.</summary>
    public ulong InPhase => _time.Nanoseconds - _phaseBegan;

    /// <summary>TSC at a moment of the last switch.</summary>
    public ulong MarkAt(SwitchMark mark) => _marks[(int)mark];

    /// <summary>A shadow reboot begins.</summary>
    public void Begin()
    {
        _began = _time.Nanoseconds;
        _ended = 0;
        Failure = ControlFailure.None;
        Message.Clear();
        PagesCopied = PagesZeroFilled = OverlayBytes = PreservedBytes = WantedPoolBytes = 0;
        Enter(ControlPhase.Preparing);
    }

    /// <summary>Another phase.</summary>
    public void Enter(ControlPhase phase)
    {
        Phase = phase;
        Sequence++;
        _phaseBegan = _time.Nanoseconds;
    }

    /// <summary>The shadow is gone: aborted on request or failed.</summary>
    public void Fail(ControlFailure failure)
    {
        Failure = failure;
        _ended = _time.Nanoseconds;
        Enter(ControlPhase.Failed);
    }

    /// <summary>The machine has been restarted: nobody asks about what was before.</summary>
    public void Forget()
    {
        _began = _ended = 0;
        Failure = ControlFailure.None;
        Message.Clear();
        ClearMarks();
        PagesCopied = PagesZeroFilled = OverlayBytes = PreservedBytes = WantedPoolBytes = 0;
        Enter(ControlPhase.Idle);
    }

    /// <summary>The switch has been made; what is left to do in the background (<paramref name="settling"/>) does not count as part of it.</summary>
    public void Succeed(bool settling)
    {
        SwitchCount++;
        _ended = _time.Nanoseconds;
        if (settling)
            Enter(ControlPhase.Settling);
        else
            Settle();
    }

    /// <summary>Nothing is left to do of the last switch.</summary>
    public void Settle()
    {
        Mark(SwitchMark.Settled);
        Enter(ControlPhase.Idle);
    }

    /// <summary>Forgets the marks of the switch before.</summary>
    public void ClearMarks()
    {
        for (int i = 0; i < _marks.Length; i++)
            _marks[i] = 0;
    }

    /// <summary>Notes the TSC at a moment of the switch.</summary>
    public void Mark(SwitchMark mark) => _marks[(int)mark] = Kernel.Processor.Stubs.ReadTsc();
}
