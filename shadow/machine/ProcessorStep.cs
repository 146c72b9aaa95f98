namespace Hv.Shadow.Machine;

/// <summary>What every processor has to do itself while the machine is stopped.</summary>
internal enum ProcessorStep
{
    /// <summary>The state of the primary's processors is kept in the boot snapshot (all but the first).</summary>
    CaptureSnapshot,
    /// <summary>What was borrowed of the primary for time limits is given back.</summary>
    EndTimeLimits,
    /// <summary>The shadow's processor becomes a copy of the primary's.</summary>
    Fork,
    /// <summary>The shadow's processor begins at the boot snapshot.</summary>
    StartShadow,
    /// <summary>The primary has its processor for itself again.</summary>
    DropShadow,
    /// <summary>The shadow's local APIC and MSRs become the processor's.</summary>
    CommitShadow,
    /// <summary>The promoted system has its processor for itself.</summary>
    Promote,
    /// <summary>The primary's processor begins at the boot snapshot.</summary>
    Restart,
}
