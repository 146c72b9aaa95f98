namespace Hv.Kernel.Io;

/// <summary>The processor's caches, for agents that read memory past them.</summary>
public abstract class CacheControl
{
    /// <summary>Writes everything that this processor has written to memory.</summary>
    public abstract void WriteBack();
}
