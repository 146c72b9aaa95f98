namespace Hv.Drivers.Platform;

/// <summary>The fixed ACPI hardware of a machine, as its FADT (ACPI 6.5, 5.2.9) and its \_S3 and \_S5 objects describe it. A port of 0 means: not there.</summary>
public struct AcpiConfiguration
{
    /// <summary>PM1a event block: status, then enable.</summary>
    public ushort Pm1Event;
    /// <summary>PM1a control block.</summary>
    public ushort Pm1Control;
    /// <summary>PM1b control block: a second half of the same register, on old chipsets.</summary>
    public ushort Pm1ControlB;
    /// <summary>PM timer.</summary>
    public ushort PmTimer;
    /// <summary>Whether the PM timer has 32 bits instead of 24.</summary>
    public bool PmTimerIs32Bit;
    /// <summary>General purpose event block 0: status registers, then as many enable registers.</summary>
    public ushort Gpe0;
    /// <summary>Its length in bytes, both halves (0 to 32).</summary>
    public byte Gpe0Length;
    /// <summary>SMI command port.</summary>
    public ushort SmiCommand;
    /// <summary>What is written there to switch to ACPI mode.</summary>
    public byte AcpiEnable;
    /// <summary>What is written there to leave it.</summary>
    public byte AcpiDisable;
    /// <summary>The global system interrupt of the SCI.</summary>
    public byte SciGsi;
    /// <summary>SLP_TYP of the soft-off state.</summary>
    public byte SleepTypeOff;
    /// <summary>SLP_TYP of suspend to RAM (S3), if <see cref="HasSuspend"/>.</summary>
    public byte SleepTypeSuspend;
    /// <summary>Whether the machine has S3.</summary>
    public bool HasSuspend;
    /// <summary>The reset register, if it is a port.</summary>
    public ushort ResetPort;
    /// <summary>What is written there.</summary>
    public byte ResetValue;
}
