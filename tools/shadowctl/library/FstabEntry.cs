namespace Hv.ShadowControl;

/// <summary>A line of /etc/fstab.</summary>
/// <param name="Source">What is mounted, such as <c>UUID=...</c>.</param>
/// <param name="MountPoint">Where.</param>
/// <param name="Type">The file system's type.</param>
/// <param name="Options">The options.</param>
/// <param name="Pass">The order of checks; 0: none.</param>
public sealed record FstabEntry(string Source, string MountPoint, string Type, string Options, int Pass);
