namespace Hv.Kernel.Vmx;

/// <summary>
/// Event information, in the one format of VM-entry interruption, VM-exit interruption and IDT-vectoring information
/// (Intel SDM vol. 3C, 25.8.3): vector in 7:0, type in 10:8.
/// </summary>
internal static class VmxEvent
{
    /// <summary>There is an event.</summary>
    public const uint Valid = 1u << 31;
    /// <summary>It pushes an error code.</summary>
    public const uint HasErrorCode = 1 << 11;
    /// <summary>The bits that mean the same in all three fields.</summary>
    public const uint CommonMask = Valid | 0xFFF;
    /// <summary>The type's bits.</summary>
    public const uint TypeMask = 7 << 8;

#pragma warning disable CS1591 // named as the manual names them
    public const uint ExternalInterrupt = 0 << 8, Nmi = 2 << 8, HardwareException = 3 << 8, SoftwareInterrupt = 4 << 8,
        PrivilegedSoftwareException = 5 << 8, SoftwareException = 6 << 8;
#pragma warning restore CS1591

    /// <summary>Whether an instruction raised the event: its length must be known to deliver it.</summary>
    public static bool IsSoftware(uint information) => (information & TypeMask) >= SoftwareInterrupt;

    /// <summary>Guest interruptibility state (table 25-3).</summary>
    public const uint BlockedBySti = 1 << 0, BlockedByMovSs = 1 << 1, BlockedByNmi = 1 << 3;
}
