using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>VT-x.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsBadUpdateTests(BochsFixture machine, ITestOutputHelper output) : BadUpdateTests(machine, output), IClassFixture<BochsFixture>
{
    [Fact]
    public void A_triple_fault_is_a_failure() => TripleFaults();

    [Fact]
    public void A_processor_that_halts_with_interrupts_off_is_noticed_at_once() => Halts();

    [Fact]
    public void A_copy_that_turns_itself_off_while_it_shuts_down_is_a_failure() => CopyTurnsItselfOff();

    [Fact]
    public void A_copy_that_panics_while_it_shuts_down_is_a_kernel_panic() => CopyPanics();
}
