namespace Hv.Drivers.Pci;

/// <summary>Where a function's message signalled interrupts go: a VM's virtual interrupt controllers, or the real local APIC.</summary>
/// <remarks>Runs on the processor that took the exit.</remarks>
public abstract class MessageSink
{
    /// <summary>
    /// Delivers the 32-bit write <paramref name="data"/> to guest-physical <paramref name="address"/> (PCI 3.0, 6.8.3.5). The guest
    /// chose both: anything that is not an interrupt message is dropped.
    /// </summary>
    public abstract void Send(ulong address, uint data);
}
