namespace Hv.Kernel.Io;

/// <summary>The model specific registers of the processor this runs on; a model of them in tests.</summary>
/// <remarks>The caller knows that the register exists: an access that faults is an error of Hv's own.</remarks>
public abstract class RealMsrs
{
    /// <summary>RDMSR.</summary>
    public abstract ulong Read(uint msr);

    /// <summary>WRMSR.</summary>
    public abstract void Write(uint msr, ulong value);
}
