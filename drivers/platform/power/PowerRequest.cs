namespace Hv.Drivers.Platform;

/// <summary>What the machine's system asks of the machine by a write to one of its <see cref="PowerPorts"/>.</summary>
public enum PowerRequest : byte
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Start anew.</summary>
    Reset,
    /// <summary>Suspend to RAM (S3).</summary>
    Suspend,
    /// <summary>Another sleeping state, or soft off.</summary>
    Sleep,
}
