using System;

namespace Hv.Drivers.Control;

/// <summary>What <see cref="StatusBlock.Power"/> says.</summary>
[Flags]
public enum PowerFlags : uint
{
    /// <summary>Resets and sleep are the hardware's.</summary>
    None = 0,
    /// <summary>Hv answers resets of the machine itself.</summary>
    FastReboot = 1 << 0,
    /// <summary>Hv comes back from suspend to RAM.</summary>
    Suspend = 1 << 1,
}
