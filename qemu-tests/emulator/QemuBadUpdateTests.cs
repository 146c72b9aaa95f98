using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>AMD-V.</summary>
[Collection(Collections.Qemu)]
public sealed class QemuBadUpdateTests(QemuFixture machine, ITestOutputHelper output) : BadUpdateTests(machine, output), IClassFixture<QemuFixture>
{
    [Fact]
    public void An_init_that_ends_is_a_kernel_panic() => EndsInit();

    [Fact]
    public void A_kernel_that_panics_and_would_restart_is_a_kernel_panic() => PanicsAndRestarts();

    [Fact]
    public void A_power_off_instead_of_a_restart_is_a_failure() => TurnsItselfOff();

    [Fact]
    public void A_restart_before_the_system_is_up_is_a_failure() => Restarts();

    [Fact]
    public void A_triple_fault_is_a_failure() => TripleFaults();

    [Fact]
    public void A_processor_that_halts_with_interrupts_off_is_noticed_at_once() => Halts();

    [Fact]
    public void A_copy_that_turns_itself_off_while_it_shuts_down_is_a_failure() => CopyTurnsItselfOff();

    [Fact]
    public void A_copy_that_panics_while_it_shuts_down_is_a_kernel_panic() => CopyPanics();

    [Fact]
    public void A_shadow_that_hangs_is_thrown_away_when_its_time_is_over() => Hangs();

    [Fact]
    public void A_system_that_comes_up_in_emergency_mode_says_so() => ComesUpInEmergencyMode();
}
