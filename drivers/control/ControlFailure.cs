namespace Hv.Drivers.Control;

/// <summary>Why the last shadow came to nothing.</summary>
public enum ControlFailure : uint
{
    /// <summary>It did not.</summary>
    None = 0,
    /// <summary>It was aborted on request.</summary>
    Aborted = 1,
    /// <summary>The pool ran out of pages.</summary>
    OutOfMemory = 2,
    /// <summary>It crashed: triple fault.</summary>
    Crashed = 3,
    /// <summary>It turned itself off.</summary>
    PoweredOff = 4,
    /// <summary>It did something that Hv cannot carry out.</summary>
    Unsupported = 5,
    /// <summary>The disk reported an error.</summary>
    DiskError = 6,
    /// <summary>A device could not be quiesced at the switch.</summary>
    DeviceNotQuiet = 7,
    /// <summary>The journal could not be written at the switch.</summary>
    JournalError = 8,
    /// <summary>Its kernel panicked.</summary>
    KernelPanic = 9,
    /// <summary>Its processor halted with interrupts off, so that nothing would ever have gone on.</summary>
    Halted = 10,
    /// <summary>It was not ready within the time limit of <see cref="ControlOpcode.Start"/>.</summary>
    TimedOut = 11,
    /// <summary>It reset itself before the switch.</summary>
    Restarted = 12,
    /// <summary>It came up in emergency or rescue mode, its agent says.</summary>
    EmergencyMode = 13,
    /// <summary>A unit that must run has failed in it, its agent says.</summary>
    FailedUnit = 14,
    /// <summary>Its agent says that it is not fit for use.</summary>
    Rejected = 15,
    /// <summary>The machine was suspended to RAM.</summary>
    Suspended = 16,
    /// <summary>How many there are.</summary>
    Count = 17,
}
