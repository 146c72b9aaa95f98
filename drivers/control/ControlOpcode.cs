namespace Hv.Drivers.Control;

/// <summary>
/// The vendor-specific admin commands of the virtual NVMe controller by which a guest's administrator drives Hv. Bits 1:0 give the direction
/// of the data: 00b none, 01b to the controller, 10b to the host (NVM Express 1.4, figure 139). Dword 10 is the length of the data in dwords,
/// dword 11 is 0; what else a command takes is in dwords 12 to 15, of which those not named are 0.
/// </summary>
public static class ControlOpcode
{
    /// <summary>
    /// Starts a shadow. Dword 12: the least share of the processors for the shadow in percent, 0 for the default. Dword 13: flags, <see cref="StartCold"/>,
    /// <see cref="StartWithoutJournal"/> and <see cref="StartWithoutShare"/>. Dword 14: after how many seconds a shadow that is not ready is thrown away, 0 for the default
    /// (<see cref="StartOptions"/>). The shadow is a fork of this system, in which the command completes, too, with another result
    /// (<see cref="StartedPrimary"/>, <see cref="StartedShadow"/>): there the system is to be rebooted. With <see cref="StartCold"/> it starts
    /// from the boot snapshot, and the caller has synced its file systems.
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
    /// system it completes at once. Dword 13: flags, <see cref="ReadyFindsDevices"/>.
    /// </summary>
    public const byte Ready = 0xC4;

    /// <summary>
    /// Like <see cref="Status"/>, but waits until <see cref="StatusBlock.Sequence"/> differs from dword 12, or the time limit in dword 13
    /// (milliseconds) is over.
    /// </summary>
    public const byte WaitChange = 0xC6;

    /// <summary>
    /// Switches to the shadow, which must be ready. Dword 12: <see cref="SwitchWithoutJournal"/> or 0. Does not return if all goes well: the caller's system is gone. A failure before the point of
    /// no return completes it with a status.
    /// </summary>
    public const byte Switch = 0xC8;

    /// <summary>
    /// Reads the shadow's serial log from the byte offset in dwords 12 (low) and 13. The result is how many bytes were there, 0 at the end. An offset
    /// before <see cref="StatusBlock.LogStart"/> is an invalid field. The log of the last shadow is kept until the next one starts.
    /// </summary>
    public const byte ReadLog = 0xCA;

    /// <summary>
    /// Reads the shadow's frame buffer (<see cref="StatusBlock.Screen"/>) from the byte offset in dwords 12 (low) and 13. The result is how many bytes were
    /// there, 0 at the end. The screen of the last shadow is kept until the next one starts.
    /// </summary>
    public const byte ReadScreen = 0xCE;

    /// <summary>Throws the shadow away. Completes when the pool is whole again.</summary>
    public const byte Abort = 0xCC;

    /// <summary>
    /// Says how the next shadow shares the disk: the data is a <see cref="DataTable"/>. It holds until the next one. Not while there is a shadow or
    /// the last view is still there.
    /// </summary>
    public const byte SetData = 0xD9;

    /// <summary>In the promoted system: the last view, namespace <see cref="DataTable.LastViewNamespace"/>, is needed no more.</summary>
    public const byte ReleaseLastView = 0xDC;

    /// <summary>Looks for the journal's partition anew, after the partition table has changed. Not while there is a shadow.</summary>
    public const byte FindJournal = 0xD0;

    /// <summary>
    /// In a shadow: the system is up, but not fit for use, or will not come up; the shadow is thrown away. Dword 12 says why:
    /// <see cref="ControlFailure.EmergencyMode"/>, <see cref="ControlFailure.FailedUnit"/> or <see cref="ControlFailure.Rejected"/>.
    /// The data, up to <see cref="StatusBlock.MessageLength"/> bytes of ASCII filled up with zeros, becomes <see cref="StatusBlock.Message"/>.
    /// </summary>
    public const byte Fail = 0xE1;

    /// <summary>Changes a setting of Hv: dword 12 says which (<see cref="SettingFastReboot"/>), dword 13 what it becomes. It holds until the machine is switched off.</summary>
    public const byte Configure = 0xE8;

    /// <summary>Setting of <see cref="Configure"/>: resets of the machine are answered by Hv (1) or left to the hardware (0).</summary>
    public const uint SettingFastReboot = 1;

    /// <summary>In dword 13 of <see cref="Start"/>: the journal is left alone; the switch will need <see cref="SwitchWithoutJournal"/>.</summary>
    public const uint StartWithoutJournal = 1 << 1;

    /// <summary>Flag of <see cref="Start"/>: a least share of nothing; the shadow gets the time in which the primary is idle.</summary>
    public const uint StartWithoutShare = 1 << 2;

    /// <summary>In dword 12 of <see cref="Switch"/>: switch even if a power loss during it would leave a mixture of both systems on the disk.</summary>
    public const uint SwitchWithoutJournal = 1 << 0;

    /// <summary>
    /// Flag of <see cref="Ready"/>: the caller will look for the passed-through devices itself. Without it the OS is told at the switch by an ACPI event.
    /// </summary>
    public const uint ReadyFindsDevices = 1 << 0;

    /// <summary>Result of <see cref="Ready"/>: not switched yet.</summary>
    public const uint ReadyWaiting = 0;

    /// <summary>Result of <see cref="Ready"/>: this is the machine's system now.</summary>
    public const uint ReadyPromoted = 1;
}
