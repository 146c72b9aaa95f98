namespace Hv.Shadow.Journal;

/// <summary>What was found in the journal when the disk was taken over.</summary>
public enum JournalRecovery : byte
{
    /// <summary>Nothing that was left to do.</summary>
    Nothing,
    /// <summary>A switch had not been committed: what had been written ahead is forgotten.</summary>
    Discarded,
    /// <summary>A switch had been committed: it has been carried out to its end.</summary>
    Replayed,
    /// <summary>A commit record is there, but what it stands for is damaged or of another disk: nothing was touched.</summary>
    Damaged,
    /// <summary>The disk failed while the journal was read or replayed: it is as it was, and will be replayed at the next start.</summary>
    Failed,
}
