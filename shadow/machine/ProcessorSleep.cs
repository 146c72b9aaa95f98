namespace Hv.Shadow.Machine;

/// <summary>Takes this processor through suspend to RAM. Implemented by the boot layer, which knows how it was brought up.</summary>
public abstract class ProcessorSleep
{
    /// <summary>Host-physical address of the page at which the firmware must start Hv, below 1 MiB.</summary>
    public abstract uint WakingVector { get; }

    /// <summary>
    /// Writes <paramref name="value"/> to PM1 control at <paramref name="controlPort"/>. True: the machine has slept; Hv works on this processor as before, but of the guest's
    /// state nothing is left in it. False: it has not slept, and nothing is lost.
    /// </summary>
    public abstract bool Enter(ushort controlPort, ushort value, ushort statusPort);
}
