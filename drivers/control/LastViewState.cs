namespace Hv.Drivers.Control;

/// <summary>What has become of the old primary's last view of the disk.</summary>
public enum LastViewState : uint
{
    /// <summary>There is none.</summary>
    None = 0,
    /// <summary>It is a namespace of the promoted system's disk controller.</summary>
    Present = 1,
    /// <summary>It could not be kept whole, for want of memory or because the disk could not be read: the namespace is there, but every read fails.</summary>
    Lost = 2,
}
