namespace Hv.Drivers.Control;

/// <summary>How far a shadow reboot has come.</summary>
public enum ControlPhase : uint
{
    /// <summary>No shadow.</summary>
    Idle = 0,
    /// <summary>The shadow is being set up: snapshot of the disk, copy of the boot snapshot.</summary>
    Preparing = 1,
    /// <summary>The shadow boots.</summary>
    Booting = 2,
    /// <summary>The shadow is up and waits for the switch.</summary>
    Ready = 3,
    /// <summary>The switch is being made.</summary>
    Switching = 4,
    /// <summary>After the switch: the journal is merged; the system runs and has its devices.</summary>
    Settling = 5,
    /// <summary>The shadow failed and was thrown away; <see cref="StatusBlock.Failure"/> says why. As good as <see cref="Idle"/> for a new start.</summary>
    Failed = 6,
    /// <summary>The shadow, a fork of this system, shuts down; it boots when it resets itself.</summary>
    Stopping = 7,
    /// <summary>How many there are.</summary>
    Count = 8,
}
