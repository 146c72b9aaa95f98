namespace Hv.Bench;

/// <summary>What differs from boot to boot of the same machine in the log of its kernel (Linux 6.1), in the order in which it is replaced.</summary>
public static class KernelLogRules
{
    /// <summary>All rules. Each has been seen to differ between two boots without Hv, or says a time or a random number.</summary>
    public static IReadOnlyList<KernelLogRule> All { get; } =
    [
        // How fast the processor is.
        new("^tsc: (Fast TSC calibration|Unable to calibrate against PIT|using (HPET|PMTIMER) reference calibration|PIT calibration matches)", null,
            "Which of three ways gives the TSC's frequency depends on how evenly the emulator runs in these milliseconds."),
        new(@"\d+\.\d+ MHz( processor)?$", "N MHz$1", "Measured frequencies."),
        new(@"[\d.]+ BogoMIPS( \(lpj=\d+\))?", "N BogoMIPS", "A measured loop."),
        new(@"^(clocksource: tsc(-early)?: mask: \S+) max_cycles: .*", "$1 N", "Computed from the TSC's measured frequency."),
        new("^sched_clock: Marking stable .*", "sched_clock: Marking stable (N)", "Times since power-on."),
        new("^(calibrate_delay_direct\\(\\) |Probably due to long platform interrupts\\. Consider using \"lpj=\" boot option\\.$)", null,
            "A further processor measures its loop; said only where interrupts came late meanwhile."),
        new("^APIC (calibration not consistent with PM-Timer: |delta adjusted to PM-Timer: )", null,
            "Said where the emulator was kept from running for more than a millisecond at one end of a measurement of 100 ms; in three of eight boots without Hv."),
        new(@" in \d+ms$", " in N ms", "How long something took."),
        new("^.* took [0-9]+ usecs$", null, "Said only of what has taken longer than 10 ms."),
        new(@"^audit: type=(\d+) audit\([\d.:]+\)", "audit: type=$1 audit(N)", "The time of day."),
        new("setting system clock to .*", "setting system clock to N", "The time of day."),

        // Where things are put.
        new(@"^NODE_DATA\((\d+)\) allocated .*", "NODE_DATA($1) allocated N", "What the kernel's early allocator has given away before; differs by a few pages from boot to boot."),
        new("^Memory: [0-9]+K/([0-9]+K) available (.*), [0-9]+K reserved", "Memory: N/$1 available $2, N reserved",
            "How much memory the kernel has freed at that moment: large parts of it are initialised later, by a thread."),
    ];
}
