namespace Hv.Drivers.Control;

/// <summary>What has become of the machine's DMA remapping units.</summary>
public enum RemappingState : uint
{
    /// <summary>The firmware describes none.</summary>
    None,
    /// <summary>VT-d, used by Hv.</summary>
    Vtd,
    /// <summary>AMD-Vi, used by Hv.</summary>
    AmdVi,
    /// <summary>The firmware had turned them on, so they were left alone.</summary>
    Busy,
    /// <summary>They lack something, or did not start.</summary>
    Unusable,
}
