using System.Text.Json.Nodes;
using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>
/// A system that would not come up again after its reboot is found out in the shadow: that ends in a failure with a reason and the shadow's console,
/// and the running system goes on.
/// </summary>
[Collection(Collections.Qemu)]
public sealed class BadUpdateTests(QemuFixture machine, ITestOutputHelper output) : IClassFixture<QemuFixture>
{
    private const string Configuration = "/boot/grub/grub.cfg", Saved = "/run/grub.cfg";
    private static readonly TimeSpan Boot = TimeSpan.FromMinutes(4);

    // What the kernel starts instead of an init, before any driver is loaded: busybox with a command.
    private const string Busybox = "/bin/busybox", EarlyShell = $"rdinit={Busybox} -- sh -c";

    [Fact]
    public void An_init_that_ends_is_a_kernel_panic() =>
        Fails($"rdinit={Busybox}", "kernel_panic", "Kernel panic - not syncing: Attempted to kill init!", "Attempted to kill init");

    [Fact]
    public void A_kernel_that_panics_and_would_restart_is_a_kernel_panic() =>
        Fails($"panic=1 {EarlyShell} '{Busybox} mount -t proc proc /proc; echo c >/proc/sysrq-trigger'", "kernel_panic",
            "Kernel panic - not syncing: sysrq triggered crash", "sysrq triggered crash");

    [Fact]
    public void A_power_off_instead_of_a_restart_is_a_failure() => Fails($"{EarlyShell} 'echo good night; {Busybox} poweroff -f'", "powered_off", "good night");

    [Fact]
    public void A_restart_before_the_system_is_up_is_a_failure() => Fails($"{EarlyShell} 'echo once more; {Busybox} reboot -f'", "restarted", "once more");

    [Fact]
    public void A_triple_fault_is_a_failure() => Fails($"reboot=triple {EarlyShell} 'echo over; {Busybox} reboot -f'", "crashed", "over");

    [Fact]
    public void A_processor_that_halts_with_interrupts_off_is_noticed_at_once() =>
        Fails($"{EarlyShell} 'echo stop; {Busybox} halt -f'", "halted", "reboot: System halted", "The instruction is at ffffffff");

    [Fact]
    public void A_copy_that_turns_itself_off_while_it_shuts_down_is_a_failure() =>
        Fails("", "powered_off", "this is the shadow", "", "dmesg -n 7; shadowctl reboot --reboot-command 'poweroff -f'");

    [Fact]
    public void A_copy_that_panics_while_it_shuts_down_is_a_kernel_panic() =>
        Fails("", "kernel_panic", "sysrq triggered crash", "sysrq triggered crash", "shadowctl reboot --reboot-command 'sh -c \"echo c >/proc/sysrq-trigger\"'");

    [Fact]
    public void A_shadow_that_hangs_is_thrown_away_when_its_time_is_over() =>
        Fails($"{EarlyShell} 'echo waiting; while :; do :; done'", "timed_out", "waiting", "", "shadowctl start --cold --timeout 60; shadowctl wait", 4);

    [Fact]
    public void A_system_that_comes_up_in_emergency_mode_says_so()
    {
        machine.Run("""mv /etc/rc.d/shadowctl /run/; printf '#!/bin/sh\nexec shadowctl fail emergency\n' >/etc/rc.d/emergency; chmod +x /etc/rc.d/emergency""");
        try
        {
            Fails("", "emergency_mode", "HV-GUEST-READY", "It is emergency mode.", "shadowctl reboot --timeout 200");
        }
        finally
        {
            machine.Run("rm /etc/rc.d/emergency; mv /run/shadowctl /etc/rc.d/");
        }
    }

    // The next boot gets further parameters for its kernel; the failure is expected within a time that is shorter than the command's own limit.
    private void Fails(string parameters, string failure, string console, string message = "", string command = "shadowctl reboot --cold --timeout 200", int status = 1) =>
        machine.Unharmed(() =>
        {
            machine.Run($"cp {Configuration} {Saved}; sed -i 's|panic=10|{parameters.Replace("'", @"'\''", StringComparison.Ordinal)}|' {Configuration}; sync");
            CommandResult result;
            try
            {
                result = machine.TryRun(command, Boot);
            }
            finally
            {
                machine.Run($"cp {Saved} {Configuration}; sync");
            }
            output.WriteLine(result.Output);
            output.WriteLine(machine.Run("shadowctl log | tail -n 100"));
            JsonNode after = machine.Status();
            Assert.Equal("failed", (string?)after["phase"]);
            Assert.Equal(failure, (string?)after["failure"]);
            Assert.Contains(message, (string?)after["message"], StringComparison.Ordinal);
            Assert.Equal(status, result.Status);
            Assert.Contains((string)after["explanation"]!, result.Output, StringComparison.Ordinal);
            Assert.Contains(console, machine.Run($"shadowctl log | grep -a '{console}'"), StringComparison.Ordinal);
        });
}
