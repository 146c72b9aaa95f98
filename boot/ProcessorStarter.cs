using Hv.Kernel;

namespace Hv.Boot;

/// <summary>Lets further processors enter Hv, as the first one did.</summary>
internal abstract unsafe class ProcessorStarter
{
    /// <summary>
    /// On a processor that is to join, the next one by number, on its own stack of Hv's: it goes on as a guest at <paramref name="guestRip"/> with <paramref name="guestStack"/>. Returns only if
    /// the processor cannot be used; it is as it was then.
    /// </summary>
    public abstract Status Join(BootParameters* parameters, ulong guestStack, ulong guestRip);
}
