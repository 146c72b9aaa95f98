using Hv.Kernel.Processor;

namespace Hv.Kernel.Io;

/// <summary>The MSRs of the processor that this runs on.</summary>
public sealed class ProcessorMsrs : RealMsrs
{
    /// <inheritdoc/>
    public override ulong Read(uint msr) => Msr.Read(msr);

    /// <inheritdoc/>
    public override void Write(uint msr, ulong value) => _ = Msr.Write(msr, value);
}
