namespace Hv.Drivers.Pci;

/// <summary>One PCI function's configuration space, as a guest sees it.</summary>
/// <remarks>
/// Runs on the processor that took the exit. Offsets are bytes from 0 to 4095, sizes 1, 2 or 4; a guest chooses both, and an access
/// may be misaligned or reach past the end of the space: it must do no harm then, and what it reads does not matter.
/// </remarks>
public abstract class PciFunction
{
    /// <summary>Reads <paramref name="size"/> bytes of configuration space, in the low bits of the result.</summary>
    public abstract uint ReadConfig(int offset, int size);

    /// <summary>Writes the low <paramref name="size"/> bytes of <paramref name="value"/> to configuration space.</summary>
    public abstract void WriteConfig(int offset, int size, uint value);
}
