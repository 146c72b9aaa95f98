namespace Hv.Bench;

/// <summary>How the guest's disk is attached in QEMU. (In Bochs it is always an ATA disk of the PIIX chipset.)</summary>
public enum DiskBus
{
    /// <summary>An NVMe controller's first namespace.</summary>
    Nvme,

    /// <summary>A SATA disk of the chipset's AHCI controller.</summary>
    Ahci,
}
