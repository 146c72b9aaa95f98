using System;

namespace Hv.Drivers.Control;

/// <summary>What <see cref="QuiesceRecord"/> says yes or no to.</summary>
[Flags]
public enum QuiesceFlags : byte
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>There was a switch since Hv was started: the record tells of the last one.</summary>
    WasRun = 1 << 0,
    /// <summary>The function was quiet.</summary>
    IsQuiet = 1 << 1,
    /// <summary>Its transactions did not end in time.</summary>
    WasStillPending = 1 << 2,
    /// <summary>It would not quiet, and was cut off by the bridge above it or by a remapping unit.</summary>
    WasIsolated = 1 << 3,
    /// <summary>The OS had moved its registers; they are where the boot had them again.</summary>
    HadMovedBars = 1 << 4,
    /// <summary>Virtual functions of it were on, and were turned off.</summary>
    HadVirtualFunctions = 1 << 5,
    /// <summary>A remapping unit blocks its DMA.</summary>
    IsBlocked = 1 << 6,
}
