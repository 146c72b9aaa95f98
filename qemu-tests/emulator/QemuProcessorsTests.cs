using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>AMD-V, two processors.</summary>
[Collection(Collections.QemuProcessors)]
public sealed class QemuProcessorsTests(QemuTwoProcessorsFixture machine, ITestOutputHelper output) : ProcessorsTests(machine, output), IClassFixture<QemuTwoProcessorsFixture>
{
    [Fact]
    public void A_processor_goes_offline_and_comes_back() => ProcessorsGoOfflineAndComeBack();

    [LongFact(LongTest.BusyProcessors)]
    public void A_shadow_that_comes_up_under_load_is_aborted_and_leaves_the_system_unharmed() => StartAShadowUnderLoadAndAbortIt();

    // By its name the last test.
    [LongFact(LongTest.BusyProcessors)]
    public void A_shadow_that_was_forked_under_load_takes_over_all_processors() => ForkABusySystemAndSwitch();
}
