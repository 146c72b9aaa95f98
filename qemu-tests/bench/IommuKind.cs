namespace Hv.Bench;

/// <summary>DMA remapping units that QEMU has.</summary>
public enum IommuKind
{
    /// <summary>No unit.</summary>
    None,
    /// <summary>Intel VT-d.</summary>
    Vtd,
    /// <summary>AMD-Vi.</summary>
    AmdVi,
}
