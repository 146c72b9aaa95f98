namespace Hv.Shadow.Blocks;

/// <summary>Where the snapshot's contents of a chunk are.</summary>
internal enum ChunkKind : byte
{
    /// <summary>On the disk: neither VM has written to it.</summary>
    Disk = 0,
    /// <summary>In a page: the primary has overwritten the chunk on the disk, this is what was there.</summary>
    Preserved = 1,
    /// <summary>In a page: the shadow has written it.</summary>
    Overlay = 2,
    /// <summary>Nowhere: the shadow has zeroed it.</summary>
    Zero = 3,
}
