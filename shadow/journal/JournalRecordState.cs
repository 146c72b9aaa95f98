namespace Hv.Shadow.Journal;

/// <summary>What the record says of the rest of the journal.</summary>
public enum JournalRecordState : uint
{
    /// <summary>It means nothing.</summary>
    Idle = 0,
    /// <summary>It is being written; not committed.</summary>
    Open = 1,
    /// <summary>It is complete: the disk has to become what it says.</summary>
    Committed = 2,
    /// <summary>The disk has become that.</summary>
    Merged = 3,
}
