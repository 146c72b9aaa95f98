namespace Hv.Shadow.Blocks;

/// <summary>What a <see cref="KeptDisk"/> keeps.</summary>
public enum KeptState : byte
{
    /// <summary>Nothing: requests go straight through, the view fails every request.</summary>
    None,
    /// <summary>The view shows the disk as it was.</summary>
    Kept,
    /// <summary>No longer all of it: memory was out, or the disk could not be read. The view fails every request until <see cref="KeptDisk.Release"/>.</summary>
    Lost,
}
