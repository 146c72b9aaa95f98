namespace Hv.Kernel.Io;

/// <summary>Something that answers a range of memory-mapped registers: a device model, or the real registers.</summary>
/// <remarks>Runs on the processor that took the exit. A guest can send anything: no access may fault, hang or assert.</remarks>
public abstract class MmioDevice
{
    /// <summary>Reads <paramref name="size"/> bytes (1, 2, 4 or 8) at byte <paramref name="offset"/> of the range.</summary>
    public abstract ulong ReadMmio(ulong offset, int size);

    /// <summary>Writes the low <paramref name="size"/> bytes (1, 2, 4 or 8) of <paramref name="value"/> at byte <paramref name="offset"/>.</summary>
    public abstract void WriteMmio(ulong offset, int size, ulong value);
}
