namespace Hv.Bench;

/// <summary>QEMU's two machine types.</summary>
public enum Chipset
{
    /// <summary>Q35 and ICH9: PCI Express, AHCI.</summary>
    Q35,
    /// <summary>i440FX and PIIX3: conventional PCI, IDE.</summary>
    I440Fx,
}
