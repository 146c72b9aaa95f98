namespace Hv.Shadow.Journal;

/// <summary>What the journal is good for at the moment.</summary>
public enum JournalState : byte
{
    /// <summary>The disk has no partition for it.</summary>
    Absent,
    /// <summary>It is there, and nothing of it is needed.</summary>
    Idle,
    /// <summary>It takes in what the disk will have to become; a power loss now discards it.</summary>
    Open,
    /// <summary>The commit record is on the disk: after a power loss the journal is replayed.</summary>
    Committed,
    /// <summary>There is more to write than it has room for: until the next shadow it is of no use.</summary>
    TooSmall,
    /// <summary>The disk failed in it: until the next shadow it is of no use.</summary>
    Failed,
}
