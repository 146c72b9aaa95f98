namespace Hv.Drivers.Platform;

/// <summary>How far a capture of the real machine has come.</summary>
internal enum CapturePhase : byte
{
    /// <summary>None is under way.</summary>
    None,
    /// <summary>Devices change their wires; the controllers are those from before.</summary>
    Devices,
    /// <summary>I/O APIC and 8259s are captured, of the local APICs perhaps some: interrupts are held back.</summary>
    LocalApics,
}
