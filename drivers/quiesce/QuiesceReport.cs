using Hv.Drivers.Pci.Host;
using Hv.Kernel;

namespace Hv.Drivers.Quiesce;

/// <summary>What was done to silence one PCI function, and how it went.</summary>
public sealed class QuiesceReport
{
    /// <summary>Which function.</summary>
    public PciAddress Address;
    /// <summary>Vendor ID.</summary>
    public ushort Vendor;
    /// <summary>Device ID.</summary>
    public ushort Device;
    /// <summary>
    /// <see cref="Hv.Kernel.Status.Ok"/>: quiet, and reset by <see cref="Worked"/>. <see cref="Hv.Kernel.Status.Unsupported"/>: cut off
    /// (no bus mastering, no interrupts) but it offers no reset. <see cref="Hv.Kernel.Status.Timeout"/>: no reset that was tried
    /// worked. <see cref="Hv.Kernel.Status.NotFound"/>: nothing answers there any more. <see cref="Hv.Kernel.Status.Pending"/>: not finished.
    /// </summary>
    public Status Status;
    /// <summary>The resets that were tried.</summary>
    public ResetMethod Tried;
    /// <summary>The best reset that worked.</summary>
    public ResetMethod Worked;
    /// <summary>Transactions were still pending at the end of the wait for them.</summary>
    public bool WasStillPending;
    /// <summary>It would not quiet, so that a remapping unit blocks its DMA (<see cref="IsBlocked"/>) or bus mastering of the bridge above it was turned off.</summary>
    public bool WasIsolated;
    /// <summary>A remapping unit blocks its DMA, until a switch finds it quiet.</summary>
    public bool IsBlocked;
    /// <summary>The BARs that the OS had moved, bit n for BAR n; they are where the boot had them again.</summary>
    public byte MovedBars;
    /// <summary>Virtual functions of it were on, and were turned off.</summary>
    public bool HadVirtualFunctions;
    /// <summary>Time from beginning to end.</summary>
    public ulong Nanoseconds;

    internal void Begin(PciFunctionInfo function)
    {
        Address = function.Address;
        Vendor = function.Vendor;
        Device = function.Device;
        Status = Status.Pending;
        Tried = ResetMethod.None;
        Worked = ResetMethod.None;
        WasStillPending = false;
        WasIsolated = false;
        IsBlocked = false;
        MovedBars = 0;
        HadVirtualFunctions = false;
        Nanoseconds = 0;
    }
}
