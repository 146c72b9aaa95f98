namespace Hv.Drivers.Iommu;

/// <summary>Which memory a device reaches through a remapping unit. Addresses are never changed.</summary>
public enum DmaAccess : byte
{
    /// <summary>All but Hv's own memory: the devices of the guests.</summary>
    Guests,
    /// <summary>All memory: Hv's own disk controller.</summary>
    Everything,
    /// <summary>None: a device that would not quiet.</summary>
    Nothing,
}
