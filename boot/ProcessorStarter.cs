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

    /// <summary>
    /// On a processor that Hv itself has started, on its own stack of Hv's: it joins when it is its turn, and as a guest it waits for a start-up message. Never returns.
    /// </summary>
    public abstract void Arrive(ProcessorArrival* arrival);
}
