using System.Globalization;
using System.Text.Json.Nodes;
using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>What a system that runs under Hv sees of it and may ask of it. None of these tests leaves a trace in the machine.</summary>
[TestCaseOrderer("Hv.EmulatorTests.ShadowsLast", "Hv.EmulatorTests")]
public abstract class SystemTests(MachineFixture machine, ITestOutputHelper output)
{
    private const int StatusOpcode = 0xC2, SwitchOpcode = 0xC8, AbortOpcode = 0xCC, UnknownOpcode = 0xC1;
    private const string Success = "000", InvalidOpcode = "001", InvalidField = "002", NoShadow = "7c1";

    [Fact]
    public void The_root_file_system_is_on_the_virtual_NVMe_disk() =>
        Assert.StartsWith("/dev/nvme0n1p2 / ext4", machine.Run("grep ' / ext4' /proc/mounts"));

    protected void AskOverTheNetwork() => Assert.Equal(machine.Run("uname -r"), machine.Guest.Emulator.AskOverNetwork(machine.CommandTime)?.Kernel);

    [Fact]
    public void Cpuid_names_Hv() => Assert.Matches("^[0-9a-f]{8} 76487648 76487648 76487648$", machine.Run("probe cpuid 0x40000000"));

    [Fact]
    public void The_processor_has_neither_VMX_nor_SVM() => Assert.Equal("0", machine.Run("grep -c -w -e vmx -e svm /proc/cpuinfo || true"));

    [Fact]
    public void Virtualization_instructions_are_invalid_and_other_faults_stay_what_they_are() => Assert.All(machine.Run("probe instructions").Split('\n'),
        line => Assert.Matches("^((vm|inv)[a-z]+|(st|cl)gi|skinit) #UD$|^(hlt|int2|noncanonical) #GP$", line));

    [Fact]
    public void Single_steps_stop_behind_instructions_that_Hv_carries_out() => Assert.Equal("1 2 4 5", machine.Run("probe steps"));

    [Theory]
    [InlineData(0x00000480u)] // IA32_VMX_BASIC
    [InlineData(0x00000491u)] // IA32_VMX_VMFUNC
    [InlineData(0xC0010117u)] // VM_HSAVE_PA
    public void Registers_of_virtualization_fault(uint index)
    {
        Assert.Equal("fault", machine.Run($"probe msr {index}"));
        Assert.Equal("fault", machine.Run($"probe msr {index} 0"));
    }

    // Hv's region and the pool are the large runs of reserved memory, the firmware's flash aside; the pool's size is known.
    [Fact]
    public void The_memory_of_Hv_and_its_pool_cannot_be_reached()
    {
        const ulong least = 4 << 20, flash = 0xFC00_0000, flashEnd = 1ul << 32;
        List<(ulong Start, ulong End)> reserved = [];
        foreach (string line in machine.Run("grep -E '^[0-9a-f]+-[0-9a-f]+ : Reserved' /proc/iomem").Split('\n'))
        {
            ulong[] ends = [.. line.Split(' ')[0].Split('-').Select(address => ulong.Parse(address, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            if (ends[1] + 1 - ends[0] >= least && (ends[1] < flash || ends[0] >= flashEnd))
                reserved.Add((ends[0], ends[1] + 1));
        }
        Assert.True(reserved.Sum(run => (long)(run.End - run.Start)) >= (long)machine.Status()["pool_bytes"]!, "the pool is not among the reserved memory");
        foreach ((ulong start, ulong end) in reserved)
            foreach (ulong address in (ulong[])[start, start + (end - start) / 2, end - 4])
                Assert.Equal("ffffffff", machine.Run($"probe memory 0x{address:x}"));
    }

    // QEMU's processor has no registers that fault: unknown ones read as zero.
    [Theory]
    [InlineData(0x00001234u)]
    [InlineData(0x7FFFFFFFu)]
    [InlineData(0xC0FF0000u)]
    public void Unknown_registers_do_what_they_do_on_the_processor(uint index)
    {
        Assert.Matches("^(fault|0+)$", machine.Run($"probe msr {index}"));
        Assert.Matches("^(fault|written)$", machine.Run($"probe msr {index} 0"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("dance")]
    [InlineData("start --share 96")]
    [InlineData("start --share x")]
    [InlineData("start --cold now")]
    [InlineData("reboot --timeout 0")]
    [InlineData("status --verbose")]
    [InlineData("status more")]
    public void A_wrong_command_line_of_shadowctl_gives_status_2(string arguments) => Assert.Equal(2, machine.TryRun($"shadowctl {arguments}").Status);

    [Theory]
    [InlineData("abort")]
    [InlineData("switch")]
    public void Without_a_shadow_a_command_that_needs_one_gives_status_1(string command) => Assert.Equal(1, machine.TryRun($"shadowctl {command}").Status);

    [Theory]
    [InlineData(StatusOpcode, 4096, 1024, 0, Success)]
    [InlineData(StatusOpcode, 64, 16, 0, Success)]
    [InlineData(StatusOpcode, 4096, -1, 0, InvalidField)]
    [InlineData(StatusOpcode, 4096, 1024, 1, InvalidField)]
    [InlineData(AbortOpcode, 0, 0, 0, NoShadow)]
    [InlineData(SwitchOpcode, 0, 0, 0, NoShadow)]
    [InlineData(UnknownOpcode, 0, 0, 0, InvalidOpcode)]
    public void Vendor_commands_are_checked(int opcode, int bytes, int dwords, int dword11, string status) =>
        Assert.StartsWith($"status={status} ", machine.Run($"probe nvme {opcode} {bytes} {(uint)dwords} {dword11}"));

    protected void AbortABootingShadow() => machine.Unharmed(() =>
    {
        machine.Run("shadowctl start --cold");
        machine.Run("sleep 10");
        Assert.Equal("booting", (string?)machine.Status()["phase"]);
        machine.Run("shadowctl abort");
        Assert.Equal("aborted", (string?)machine.Status()["failure"]);
    });

    protected void AbortAShadowThatShutsDown() => machine.Unharmed(() =>
    {
        machine.Run("shadowctl start --reboot-command 'sleep 1000'");
        JsonNode status = machine.Status();
        Assert.Equal("stopping", (string?)status["phase"]);
        Assert.InRange((long?)status["fork"]?["pages_broken"] ?? 0, 1, (long?)status["fork"]?["pages_shared"] ?? 0);
        machine.Run("shadowctl abort");
        Assert.Equal("aborted", (string?)machine.Status()["failure"]);
    });

    // The system copies a file over and over, through the disk and not only its cache, while the fork is made, shuts down and begins to boot.
    protected JsonNode ForkUnderLoad()
    {
        const int leastCopies = 3;
        JsonNode fork = new JsonObject();
        machine.Unharmed(() =>
        {
            machine.Run("dd if=/dev/urandom of=/root/load bs=1M count=16 2>/dev/null; mkdir /root/copies; >/tmp/sums");
            string sum = machine.Run("md5sum </root/load");
            machine.Run("(while [ -d /root/copies ]; do dd if=/root/load of=/root/copies/copy bs=64k conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; md5sum </root/copies/copy >>/tmp/sums; done) >/dev/null 2>&1 & sleep 2");
            machine.Run("dmesg -n 7; shadowctl start --share 50 && dmesg -n 1");
            fork = machine.Status()["fork"]!;
            output.WriteLine(fork.ToJsonString());
            machine.Run("until shadowctl status --json | grep -q booting; do sleep 2; done; sleep 5", TimeSpan.FromMinutes(4) * machine.Patience);
            // How many copies were made so far depends on how fast the machine is that runs the emulator.
            machine.Run($"until [ $(wc -l </tmp/sums) -ge {leastCopies} ]; do sleep 1; done", TimeSpan.FromMinutes(2) * machine.Patience);
            machine.Run("rm -r /root/copies; sleep 3");
            machine.Run("shadowctl wait --timeout 400", TimeSpan.FromMinutes(7) * machine.Patience);
            string[] sums = machine.Run("cat /tmp/sums").Split('\n', StringSplitOptions.RemoveEmptyEntries);
            output.WriteLine($"{sums.Length} copies");
            string log = machine.Run("shadowctl log");
            // Before anything is asserted: a shadow that is left over would make the tests after this one fail, too.
            machine.Run("shadowctl abort; rm /root/load /tmp/sums");
            Assert.InRange(sums.Length, leastCopies, int.MaxValue);
            Assert.All(sums.SkipLast(1), found => Assert.Equal(sum, found));
            AssertInOrder(log, "this is the shadow", "Stopping all processes", "re-mounted", "The system is going down NOW!", "Requesting system reboot", "Linux version", "mounted filesystem", "HV-GUEST-READY");
            Assert.DoesNotContain("recovery", log, StringComparison.Ordinal);
            Assert.DoesNotContain("EXT4-fs error", log, StringComparison.Ordinal);
        }, longestGap: 5);
        return fork;
    }

    private static void AssertInOrder(string text, params string[] parts)
    {
        int at = 0;
        foreach (string part in parts)
        {
            int found = text.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"'{part}' is not where it belongs in:\n{text}");
            at = found + part.Length;
        }
    }

    // Under the name of a shadow's test, since it comes last, too: the machine is used on.
    protected void RestartUnderHv()
    {
        JsonNode before = machine.Status();
        string boot = machine.Run("cat /proc/sys/kernel/random/boot_id");
        machine.Run("shadowctl config fast-reboot on; sync");
        machine.Guest.Begin("reboot -f");
        machine.Guest.WaitUntilUp(TimeSpan.FromMinutes(3) * machine.Patience);
        machine.Guest.LogIn(machine.CommandTime);
        machine.Run("modprobe msr; shadowctl config fast-reboot off");
        Assert.NotEqual(boot, machine.Run("cat /proc/sys/kernel/random/boot_id"));
        JsonNode after = machine.Status();
        Assert.Equal(1, (int)after["fast_reboots"]!);
        Assert.Equal((long?)before["pool_free_bytes"], (long?)after["pool_free_bytes"]);
        output.WriteLine($"Hv's part of the reboot: {(double)after["fast_reboot_seconds"]!:F3} s");
        AskOverTheNetwork();
    }

    protected void WaitForAShadowThatNeverComes() => machine.Unharmed(() =>
    {
        machine.Run("chmod -x /etc/rc.d/shadowctl");
        try
        {
            Assert.Equal(4, machine.TryRun("shadowctl reboot --timeout 60", TimeSpan.FromMinutes(4) * machine.Patience).Status);
        }
        finally
        {
            machine.Run("chmod +x /etc/rc.d/shadowctl");
        }
    });
}
