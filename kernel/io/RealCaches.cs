using Hv.Kernel.Processor;

namespace Hv.Kernel.Io;

/// <summary>The caches of the processor that Hv runs on.</summary>
public sealed class RealCaches : CacheControl
{
    /// <inheritdoc/>
    public override void WriteBack() => Stubs.WriteBackCaches();
}
