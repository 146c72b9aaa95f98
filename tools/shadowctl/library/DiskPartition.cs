namespace Hv.ShadowControl;

/// <summary>A partition of the disk that Hv manages.</summary>
/// <param name="Number">Its number in the partition table.</param>
/// <param name="Name">The kernel's name for it, such as <c>nvme0n1p2</c>.</param>
/// <param name="Device">Major and minor number, as in <c>259:3</c>.</param>
/// <param name="Start">Its first byte on the disk.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="PartitionId">The GUID of its entry in the partition table, in lower case; empty if not known.</param>
/// <param name="Label">The name of its entry; may be empty.</param>
/// <param name="FileSystemId">The UUID of its file system, in lower case; empty if not known.</param>
public sealed record DiskPartition(int Number, string Name, string Device, ulong Start, ulong Bytes, string PartitionId, string Label, string FileSystemId);
