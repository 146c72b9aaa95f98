using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>VT-x, two processors, of which Hv starts the second one without the firmware's MP services.</summary>
[Collection(Collections.Bochs)]
public sealed class BochsOwnStartTests(BochsOwnStartFixture machine, ITestOutputHelper output) : ProcessorsTests(machine, output), IClassFixture<BochsOwnStartFixture>
{
    [Fact]
    public void Hv_has_started_the_others_itself() => CheckOwnStart();

    [Fact]
    public void A_processor_goes_offline_and_comes_back() => ProcessorsGoOfflineAndComeBack(times: 1);
}
