namespace Hv.Bench;

/// <summary>Where a device is plugged in.</summary>
public enum DevicePlace
{
    /// <summary>The root bus, which has no bridge above it.</summary>
    Root,

    /// <summary>A conventional bus behind a bridge.</summary>
    Bridge,

    /// <summary>A PCI Express root port of its own.</summary>
    Port,
}
