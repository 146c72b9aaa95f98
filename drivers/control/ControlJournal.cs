namespace Hv.Drivers.Control;

/// <summary>What the journal is good for.</summary>
public enum ControlJournal : uint
{
    /// <summary>The disk has none.</summary>
    Absent = 0,
    /// <summary>It is there, and empty.</summary>
    Idle = 1,
    /// <summary>It takes in what the shadow writes.</summary>
    Open = 2,
    /// <summary>A switch is committed and is being merged.</summary>
    Committed = 3,
    /// <summary>It is too small for the present shadow.</summary>
    TooSmall = 4,
    /// <summary>It could not be written.</summary>
    Failed = 5,
    /// <summary>How many there are.</summary>
    Count = 6,
}
