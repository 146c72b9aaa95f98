using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>AMD-V, four processors.</summary>
[Collection(Collections.QemuProcessors)]
public sealed class QemuFourProcessorsTests(QemuFourProcessorsFixture machine, ITestOutputHelper output) : ProcessorsTests(machine, output), IClassFixture<QemuFourProcessorsFixture>
{
    [LongFact(LongTest.BusyProcessors)]
    public void A_shadow_that_was_forked_under_load_takes_over_all_processors() => ForkABusySystemAndSwitch();
}
