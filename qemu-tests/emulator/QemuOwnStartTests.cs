using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>AMD-V, two processors, of which Hv starts the second one without the firmware's MP services.</summary>
[Collection(Collections.QemuProcessors)]
public sealed class QemuOwnStartTests(QemuOwnStartFixture machine, ITestOutputHelper output) : ProcessorsTests(machine, output), IClassFixture<QemuOwnStartFixture>
{
    [Fact]
    public void Hv_has_started_the_others_itself() => CheckOwnStart();

    [Fact]
    public void A_processor_goes_offline_and_comes_back() => ProcessorsGoOfflineAndComeBack(times: 1);
}
