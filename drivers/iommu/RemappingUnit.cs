using Hv.Kernel;

namespace Hv.Drivers.Iommu;

/// <summary>One DMA remapping unit that Hv uses.</summary>
public abstract class RemappingUnit
{
    /// <summary>Turns translation on again after the unit has lost its registers. <see cref="Status.Timeout"/>: it does not start, and is off.</summary>
    public abstract Status Restart();

    /// <summary>Turns the unit off: requests reach everything.</summary>
    public abstract void Disable();

    /// <summary>
    /// Makes the unit forget everything, after a change of tables; requests that it had let pass are in memory when this returns.
    /// <see cref="Status.Timeout"/>: it does not confirm.
    /// </summary>
    public abstract Status Invalidate();

    /// <summary>Takes one recorded fault; false if there is none.</summary>
    public abstract bool TryTakeFault(out DmaFault fault);
}
