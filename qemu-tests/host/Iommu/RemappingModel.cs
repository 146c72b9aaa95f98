using Hv.Drivers.Pci.Host;
using Hv.Kernel.Io;

namespace Hv.HostTests;

/// <summary>A DMA remapping unit as its manual describes it.</summary>
public abstract class RemappingModel : MmioDevice
{
    public bool IgnoresCommands;

    public abstract bool IsOn { get; }

    /// <summary>A device's request. False: refused, and recorded.</summary>
    public abstract bool Request(PciAddress device, ulong address, bool write);

    /// <summary>The machine has been without power.</summary>
    public abstract void LosePower();
}
