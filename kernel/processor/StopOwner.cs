namespace Hv.Kernel.Processor;

/// <summary>Who knows what stopped processors are to do.</summary>
public abstract class StopOwner
{
    /// <summary>Carries out a step on processor <paramref name="processor"/>, the one that this runs on; other processors may be at the same step.</summary>
    public abstract void CarryOut(int step, int processor);
}
