namespace Hv.Drivers.Control;

/// <summary>What the VM is that asks.</summary>
public enum ControlRole : uint
{
    /// <summary>Not stated.</summary>
    Unknown = 0,
    /// <summary>The machine's system, started in the ordinary way.</summary>
    Primary = 1,
    /// <summary>The shadow.</summary>
    Shadow = 2,
    /// <summary>The machine's system, which was a shadow until the last switch.</summary>
    Promoted = 3,
}
