namespace Hv.Shadow.Journal;

/// <summary>What an entry of the journal's index stands for.</summary>
public enum JournalEntryKind : uint
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>A chunk whose contents are in the data block with the entry's number.</summary>
    Data = 1,
    /// <summary>A row of chunks that are zero.</summary>
    Zero = 2,
}
