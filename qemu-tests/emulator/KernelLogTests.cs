using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>How the bench compares kernel logs.</summary>
public sealed class KernelLogTests
{
    private static readonly KernelLogExplanation[] Explanations = [new("less memory", "^[-+] Memory: "), new("another disk", "^- sda$", @"^\+ nvme0n1$")];

    [Theory]
    [InlineData("[    0.000000] tsc: Detected 2596.124 MHz processor", "tsc: Detected N MHz processor")]
    [InlineData("[    7.661980] tsc: Refined TSC clocksource calibration: 100.000 MHz", "tsc: Refined TSC clocksource calibration: N MHz")]
    [InlineData("[    2.472766] Calibrating delay loop (skipped), value calculated using timer frequency.. 199.99 BogoMIPS (lpj=399984)",
        "Calibrating delay loop (skipped), value calculated using timer frequency.. N BogoMIPS")]
    [InlineData("[    2.461904] clocksource: tsc-early: mask: 0xffffffffffffffff max_cycles: 0x170fe8734f, max_idle_ns: 440795206431 ns", "clocksource: tsc-early: mask: 0xffffffffffffffff N")]
    [InlineData("[    3.849089] node 0 deferred pages initialised in 112ms", "node 0 deferred pages initialised in N ms")]
    [InlineData("[    3.992800] audit: type=2000 audit(1700000093.548:1): state=initialized audit_enabled=0 res=1", "audit: type=2000 audit(N): state=initialized audit_enabled=0 res=1")]
    [InlineData("[    8.074073] rtc_cmos 00:00: setting system clock to 2023-11-14T22:14:59 UTC (1700000099)", "rtc_cmos 00:00: setting system clock to N")]
    [InlineData("[    0.347680] NODE_DATA(0) allocated [mem 0x3ff30000-0x3ff5afff]", "NODE_DATA(0) allocated N")]
    [InlineData("[    0.930411] Memory: 247668K/1044144K available (14343K kernel code, 17356K bss, 116284K reserved, 0K cma-reserved)",
        "Memory: N/1044144K available (14343K kernel code, 17356K bss, N reserved, 0K cma-reserved)")]
    [InlineData("[    0.000000] efi: ACPI=0x3fb7e000 ACPI 2.0=0x3fb7e014 MEMATTR=0x3df45018 ", "efi: ACPI=0x3fb7e000 ACPI 2.0=0x3fb7e014 MEMATTR=0x3df45018")]
    [InlineData("[    5.804876] PCI: pci_cache_line_size set to 64 bytes", "PCI: pci_cache_line_size set to 64 bytes")]
    public void What_differs_from_boot_to_boot_is_taken_out(string line, string normalized) => Assert.Equal(normalized, KernelLogText.Normalize(line));

    [Theory]
    [InlineData("[    0.000000] tsc: Fast TSC calibration using PIT")]
    [InlineData("[    0.000000] tsc: Fast TSC calibration failed")]
    [InlineData("[    0.504914] APIC calibration not consistent with PM-Timer: 102ms instead of 100ms")]
    [InlineData("[    0.000000] calibrate_delay_direct() dropping max bogoMips estimate 0 = 16161424")]
    [InlineData("[    6.615098] pci 0000:00:01.2: quirk_usb_early_handoff+0x0/0x760 took 16174 usecs")]
    public void Lines_that_come_and_go_are_left_out(string line) => Assert.Null(KernelLogText.Normalize(line));

    [Fact]
    public void The_order_of_lines_does_not_count_but_their_number_does()
    {
        KernelLogComparison comparison = new(["[ 1.0] a", "[ 1.1] b", "[ 1.2] b"], ["[ 2.0] b", "[ 2.1] a"], []);
        Assert.Equal(2, comparison.Same);
        Assert.Equal([new KernelLogDifference(IsUnderHv: false, "b", 1)], comparison.Differences);
    }

    [Fact]
    public void Differences_are_sorted_by_their_explanations()
    {
        KernelLogComparison comparison = new(["same", "sda", "Memory: 2"], ["same", "nvme0n1", "Memory: 1", "sda1"], Explanations);
        Assert.Equal(["less memory", "another disk"], comparison.Explained.Select(pair => pair.Explanation.Why));
        Assert.Equal(["- Memory: 2", "+ Memory: 1"], comparison.Explained[0].Differences.Select(difference => $"{difference}"));
        Assert.Equal(["- sda", "+ nvme0n1"], comparison.Explained[1].Differences.Select(difference => $"{difference}"));
        Assert.Equal(["+ sda1"], comparison.Unexplained.Select(difference => $"{difference}"));
    }

    [Fact]
    public void An_explanation_of_what_is_missing_does_not_explain_what_is_there() =>
        Assert.Single(new KernelLogComparison([], ["sda"], Explanations).Unexplained);

    [Fact]
    public void The_page_keeps_the_other_machines_sections()
    {
        string folder = Directory.CreateTempSubdirectory("hv-").FullName;
        try
        {
            File.WriteAllLines(Path.Combine(folder, "kernel-without-hv.log"), ["[ 0.0] Linux version 6.1", "[ 0.1] ACPI: PM: (supports S0 S3 S4 S5)"]);
            File.WriteAllLines(Path.Combine(folder, "kernel-under-hv.log"), ["[ 0.0] Linux version 6.1", "[ 0.1] ACPI: PM: (supports S0 S4 S5)", "[ 0.2] a|b"]);
            KernelLogBench qemu = new(BenchKind.QemuSvm, 2, new StepDisplay()), bochs = new(BenchKind.BochsVmx, 2, new StepDisplay());
            qemu.Run(folder);
            bochs.Run(folder);
            string page = KernelLogPage.Write(qemu, KernelLogPage.Write(bochs, KernelLogPage.Write(qemu, "")));
            string[] titles = [.. page.Split('\n').Where(line => line.StartsWith("## ", StringComparison.Ordinal))];
            Assert.Equal(["## bochs-vmx, 2 processors", "## qemu-svm, 2 processors", "## What differs from boot to boot"], titles);
            Assert.Contains("| `- ACPI: PM: (supports S0 S3 S4 S5)`<br>`+ ACPI: PM: (supports S0 S4 S5)` | With several processors", page, StringComparison.Ordinal);
            Assert.Contains("| `+ a\\|b` | **none yet** |", page, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("watchdog: BUG: soft lockup - CPU#1 stuck for 22s!")]
    [InlineData("Uhhuh. NMI received for unknown reason 20 on CPU 1.")]
    [InlineData("clocksource: Marking clocksource 'tsc' as unstable because the skew is too large: clocksource: 'tsc' is unstable")]
    [InlineData("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:")]
    public void Complaints_are_known(string line) => Assert.Matches(KernelComplaints.Pattern, line);

    [Theory]
    [InlineData("rcu: Hierarchical SRCU implementation.")]
    [InlineData("[Firmware Bug]: TSC_DEADLINE disabled due to Errata; please update microcode to version: 0x2000014 (or later)")]
    [InlineData("Speculative Store Bypass: Vulnerable")]
    public void Other_lines_are_no_complaints(string line) => Assert.DoesNotMatch(KernelComplaints.Pattern, line);
}
