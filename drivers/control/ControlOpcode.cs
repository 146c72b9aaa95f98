namespace Hv.Drivers.Control;

/// <summary>
/// The vendor-specific admin commands of the virtual NVMe controller by which a guest's administrator drives Hv. Bits 1:0 give the direction
/// of the data: 00b none, 01b to the controller, 10b to the host (NVM Express 1.4, figure 139). Dword 10 is the length of the data in dwords,
/// dword 11 is 0; what else a command takes is in dwords 12 to 15, of which those not named are 0.
/// </summary>
public static class ControlOpcode
{
    /// <summary>
    /// Starts a shadow. Dword 12: the least share of the processors for the shadow in percent, 0 for the default; dword 13: flags. The shadow is a fork of
    /// this system, in which the command completes, too, with another result (<see cref="StartedPrimary"/>, <see cref="StartedShadow"/>): there the
    /// system is to be rebooted. With <see cref="StartCold"/> it starts from the boot snapshot, and the caller has synced its file systems.
    /// </summary>
    public const byte Start = 0xC0;

    /// <summary>Flag of <see cref="Start"/>: start from the boot snapshot.</summary>
    public const uint StartCold = 1 << 0;

    /// <summary>Result of <see cref="Start"/>: this is the primary.</summary>
    public const uint StartedPrimary = 0;

    /// <summary>Result of <see cref="Start"/>: this is the shadow.</summary>
    public const uint StartedShadow = 1;

    /// <summary>Reads a <see cref="StatusBlock"/>, or as much of it as the data has room for.</summary>
    public const byte Status = 0xC2;

    /// <summary>
    /// In a shadow: the system is up. Completes when the switch has been made, with <see cref="ReadyPromoted"/> as result, or with
    /// <see cref="ReadyWaiting"/> when the time limit in dword 12 (milliseconds) is over; then it is sent again. In a promoted
    /// system it completes at once.
    /// </summary>
    public const byte Ready = 0xC4;

    /// <summary>
    /// Like <see cref="Status"/>, but waits until <see cref="StatusBlock.Sequence"/> differs from dword 12, or the time limit in dword 13
    /// (milliseconds) is over.
    /// </summary>
    public const byte WaitChange = 0xC6;

    /// <summary>
    /// Switches to the shadow, which must be ready. Does not return if all goes well: the caller's system is gone. A failure before the point of
    /// no return completes it with a status.
    /// </summary>
    public const byte Switch = 0xC8;

    /// <summary>
    /// Reads the shadow's serial log from the byte offset in dwords 12 (low) and 13. The result is how many bytes were there, 0 at the end. An offset
    /// before <see cref="StatusBlock.LogStart"/> is an invalid field.
    /// </summary>
    public const byte ReadLog = 0xCA;

    /// <summary>Throws the shadow away. Completes when the pool is whole again.</summary>
    public const byte Abort = 0xCC;

    /// <summary>Result of <see cref="Ready"/>: not switched yet.</summary>
    public const uint ReadyWaiting = 0;

    /// <summary>Result of <see cref="Ready"/>: this is the machine's system now.</summary>
    public const uint ReadyPromoted = 1;
}
