using Hv.Drivers.Pci;

namespace Hv.Shadow.Machine;

/// <summary>The INTx pin of a virtual function of the primary: real wires cannot be pulled by software, so it has MSI-X only.</summary>
public sealed class NoLine : InterruptLine
{
    /// <inheritdoc/>
    public override void Set(bool asserted)
    {
    }
}
