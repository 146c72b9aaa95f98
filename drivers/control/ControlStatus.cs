namespace Hv.Drivers.Control;

/// <summary>
/// The NVMe status values with which control commands are refused: status code type 7h (vendor specific) in bits 10:8. Malformed ones get the
/// generic values (invalid field, invalid opcode).
/// </summary>
public static class ControlStatus
{
    /// <summary>Start: a shadow exists already.</summary>
    public const ushort ShadowExists = 0x7C0;
    /// <summary>Switch, Abort, ReadLog: there is no shadow.</summary>
    public const ushort NoShadow = 0x7C1;
    /// <summary>Switch: the shadow is not ready.</summary>
    public const ushort NotReady = 0x7C2;
    /// <summary>The command is for the primary, and this is the shadow.</summary>
    public const ushort NotPrimary = 0x7C3;
    /// <summary>Ready: this is no shadow and never was. Fail: this is no shadow.</summary>
    public const ushort NotShadow = 0x7C4;
    /// <summary>Start: the pool is too small.</summary>
    public const ushort NoMemory = 0x7C5;
    /// <summary>Start, Switch, Abort: a switch is being made, or the machine is settling after one.</summary>
    public const ushort Busy = 0x7C6;
    /// <summary>Start: this machine cannot have a shadow (no boot snapshot, disk not owned by Hv).</summary>
    public const ushort Unavailable = 0x7C7;
    /// <summary>Switch: it failed and was undone; the reason is in the status block.</summary>
    public const ushort SwitchFailed = 0x7C8;
    /// <summary>Start: the fork failed; the reason is in the status block.</summary>
    public const ushort StartFailed = 0x7C9;
    /// <summary>Switch: the disk has no journal that can be used, and the caller did not agree to go without. FindJournal: there is none.</summary>
    public const ushort NoJournal = 0x7D0;
    /// <summary>Switch: what the shadow has written does not fit the journal, and the caller did not agree to go without.</summary>
    public const ushort JournalTooSmall = 0x7D1;
}
