namespace Hv.ShadowControl;

/// <summary>A line of /proc/self/mountinfo.</summary>
/// <param name="Device">Major and minor number, as in <c>259:3</c>.</param>
/// <param name="Root">The directory of the file system that is mounted.</param>
/// <param name="MountPoint">Where.</param>
/// <param name="Type">The file system's type.</param>
public sealed record MountedFileSystem(string Device, string Root, string MountPoint, string Type);
