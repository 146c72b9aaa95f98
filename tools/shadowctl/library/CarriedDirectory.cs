namespace Hv.ShadowControl;

/// <summary>A directory whose new files are carried over, and where it is.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Partition">The partition that it is on.</param>
/// <param name="MountPoint">Where that one is mounted.</param>
/// <param name="Type">The type of its file system.</param>
/// <param name="PathInFileSystem">Its path in the file system, without a slash at the beginning.</param>
public sealed record CarriedDirectory(string Path, DiskPartition Partition, string MountPoint, string Type, string PathInFileSystem);
