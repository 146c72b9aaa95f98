using System;

namespace Hv.Drivers.Quiesce;

/// <summary>The ways to bring a PCI function back to its state after power-on, best first.</summary>
[Flags]
public enum ResetMethod : byte
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>PCI Express function level reset (PCIe 6.6.2).</summary>
    FunctionLevel = 1 << 0,
    /// <summary>Function level reset of the advanced features capability.</summary>
    AdvancedFeatures = 1 << 1,
    /// <summary>Power state D3hot and back to D0, if that loses the state (PCI PM 5.4.1).</summary>
    PowerState = 1 << 2,
    /// <summary>Secondary bus reset of the bridge above, if nothing else is on the bus.</summary>
    SecondaryBus = 1 << 3,
    /// <summary>The device's own registers (see <see cref="StopPlan"/>).</summary>
    Device = 1 << 4,
}
