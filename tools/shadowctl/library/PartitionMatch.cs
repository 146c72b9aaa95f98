namespace Hv.ShadowControl;

/// <summary>By what a rule of the configuration names a partition.</summary>
public enum PartitionMatch
{
    /// <summary>The directory that its file system is mounted on.</summary>
    MountPoint,
    /// <summary>The UUID of its file system.</summary>
    FileSystem,
    /// <summary>The GUID of its entry in the partition table.</summary>
    Partition,
}
