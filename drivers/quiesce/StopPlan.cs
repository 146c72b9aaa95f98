using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>How a kind of device is stopped by its own registers: where they are, and the steps, each with a bounded time.</summary>
public sealed class StopPlan
{
    /// <summary>How many registers <see cref="StopOperation.ChangeEach"/> goes through: the most streams of a High Definition Audio controller (1.0a, 3.3.2).</summary>
    public const int MaxStreams = 30;

    /// <summary>The BAR that has the registers, in memory or ports.</summary>
    public readonly int BarIndex;
    /// <summary>Where the registers begin in the BAR.</summary>
    public readonly uint Offset;
    /// <summary>Whether the device is as after power-on when the steps are done; else it has only stopped.</summary>
    public readonly bool Resets;
    /// <summary>The steps.</summary>
    public readonly StopStep[] Steps;

    /// <summary>Holds what it is given. While booting only.</summary>
    public StopPlan(int barIndex, bool resets, StopStep[] steps, uint offset = 0)
    {
        BarIndex = barIndex;
        Resets = resets;
        Steps = steps;
        Offset = offset;
    }

    /// <summary>The plan for a function, or null if none is known. Allocates: at boot only.</summary>
    public static StopPlan? For(PciHost host, PciFunctionInfo function) =>
        VirtioStop.For(host, function) ?? UsbStop.For(function) ?? NetworkStop.For(function) ?? StorageStop.For(function)
        ?? ScsiStop.For(function) ?? AudioStop.For(function);
}
