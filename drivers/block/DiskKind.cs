namespace Hv.Drivers.Block;

/// <summary>How a physical disk is attached.</summary>
public enum DiskKind : byte
{
    /// <summary>A namespace of an NVMe controller; the unit is the namespace identifier.</summary>
    Nvme,
    /// <summary>A disk at an AHCI controller; the unit is the port.</summary>
    Ahci,
    /// <summary>A disk at a parallel ATA channel; the unit is 2 × channel + drive.</summary>
    Ata,
}
