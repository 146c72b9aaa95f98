namespace Hv.Kernel.Memory;

/// <summary>A VM's memory, as device models and instruction decoding see it.</summary>
/// <remarks>Runs on the processor that took the exit. A guest chooses the addresses: they are checked here, once.</remarks>
public abstract unsafe class GuestMemory
{
    /// <summary>
    /// The 4 KiB page of memory that holds <paramref name="address"/>, as Hv's pointer (host-physical one to one), or null
    /// if the guest has no memory there (device registers, Hv's own memory, no memory, pool exhausted).
    /// With <paramref name="write"/> the page may be written: copy-on-write sharing has been broken first.
    /// The pointer is good until the exit ends.
    /// </summary>
    public abstract byte* Page(GuestPhysical address, bool write);
}
