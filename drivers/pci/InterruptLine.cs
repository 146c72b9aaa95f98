namespace Hv.Drivers.Pci;

/// <summary>A wire from a device to an interrupt controller: a PCI INTx pin, or an ISA interrupt request.</summary>
/// <remarks>Runs on the processor that took the exit. Setting a line to the level that it has does nothing.</remarks>
public abstract class InterruptLine
{
    /// <summary>Drives the line: true is asserted, whatever the electrical polarity.</summary>
    public abstract void Set(bool asserted);
}
