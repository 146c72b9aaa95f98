using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>What the bench takes for a boot that has failed.</summary>
public sealed class FreshBootTests
{
    private const string Started = "Hv 0.1\nHv: 2 processors\nHv: running.\n";

    [Theory]
    [InlineData(Started, "HV-GUEST-READY kernel=6.1", null)]
    [InlineData("", "", null)]
    [InlineData(Started + "Hv fault, vector 0xe\n", "", "Hv has met a fault")]
    [InlineData(Started + "Hv stopped: an invariant\n", "", "Hv has stopped")]
    [InlineData(Started + Started, "HV-GUEST-READY kernel=6.1", "restarted by itself")]
    [InlineData(Started, "[    1.0] Kernel panic - not syncing: Fatal exception", "panicked")]
    public void Faults_restarts_and_panics_are_found(string trace, string console, string? trouble)
    {
        string? found = FreshBoot.FindTrouble(trace, [console]);
        if (trouble is null)
            Assert.Null(found);
        else
            Assert.Contains(trouble, found, StringComparison.Ordinal);
    }
}
