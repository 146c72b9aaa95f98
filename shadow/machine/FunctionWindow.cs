using Hv.Drivers.Pci;
using Hv.Kernel.Io;

namespace Hv.Shadow.Machine;

/// <summary>The 4 KiB of the memory-mapped configuration window that belong to one virtual function.</summary>
public sealed class FunctionWindow : MmioDevice
{
    private const ulong ConfigBytes = 256;

    private readonly PciFunction _function;

    /// <summary>Leads to <paramref name="function"/>.</summary>
    public FunctionWindow(PciFunction function) => _function = function;

    /// <inheritdoc/>
    /// <remarks>The virtual function has no extended space: zero there means that no extended capability follows.</remarks>
    public override ulong ReadMmio(ulong offset, int size)
    {
        if (offset >= ConfigBytes || size > 4)
            return size > 4 ? ulong.MaxValue : 0;
        return _function.ReadConfig((int)offset, size);
    }

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        if (offset < ConfigBytes && size <= 4)
            _function.WriteConfig((int)offset, size, (uint)value);
    }
}
