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
    /// <summary>It crashed: triple fault or a second reset.</summary>
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
    /// <summary>How many there are.</summary>
    Count = 9,
}
