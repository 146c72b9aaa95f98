namespace Hv.Boot.Acpi;

/// <summary>A PCI host bridge as the ACPI namespace has it.</summary>
public struct RootBridge
{
    /// <summary>Its device.</summary>
    public AmlPath Path;
    /// <summary>The bus below it (_BBN; ACPI 6.5, 6.5.5).</summary>
    public uint Bus;
    /// <summary>Bit n: the namespace has a device for a function of PCI device n on that bus (_ADR; 6.1.1).</summary>
    public uint Described;
}
