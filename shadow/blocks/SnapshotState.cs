namespace Hv.Shadow.Blocks;

/// <summary>What a <see cref="SnapshotDisk"/> is doing.</summary>
public enum SnapshotState : byte
{
    /// <summary>No snapshot: the primary has the disk to itself, the shadow's view refuses everything.</summary>
    None,
    /// <summary>Both views work, each VM sees its own writes only.</summary>
    Active,
    /// <summary>Old contents could not be preserved: the primary goes on, the shadow's view refuses everything until <see cref="SnapshotDisk.Discard"/>.</summary>
    Broken,
    /// <summary>The shadow's contents are being written to the disk; the primary's view shows them, the shadow's refuses everything.</summary>
    Merging,
}
