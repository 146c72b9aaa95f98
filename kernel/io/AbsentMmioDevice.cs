namespace Hv.Kernel.Io;

/// <summary>What answers memory accesses where no device is: all ones; writes are dropped.</summary>
public sealed class AbsentMmioDevice : MmioDevice
{
    /// <inheritdoc/>
    public override ulong ReadMmio(ulong offset, int size) => ulong.MaxValue;

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
    }
}
