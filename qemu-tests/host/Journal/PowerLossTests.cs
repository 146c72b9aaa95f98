using System;
using System.Collections.Generic;
using Hv.Shadow.Journal;
using Xunit;
using Xunit.Abstractions;

namespace Hv.HostTests.Journal;

public sealed class PowerLossTests(ITestOutputHelper output)
{
    private const int Seeds = 20, Losses = 2;

    /// <summary>Cuts the power in every write and flush of each history, and checks what is there after the restart.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public void After_a_power_loss_the_disk_is_the_old_or_the_new_system(int firstSeed)
    {
        var seen = new Dictionary<JournalRecovery, int>();
        for (int seed = firstSeed; seed < firstSeed + Seeds; seed++)
        {
            int steps;
            using (var whole = new PowerLossSimulation(seed))
            {
                Assert.True(whole.Run());
                steps = whole.Disk.Steps;
            }
            for (int cut = 1; cut <= steps; cut++)
            {
                using var simulation = new PowerLossSimulation(seed);
                simulation.Disk.CutAt = cut;
                Assert.False(simulation.Run());
                for (int loss = 0; loss < Losses; loss++)
                    Count(simulation, seed, cut, loss, seen);
            }
        }
        output.WriteLine(string.Join(", ", seen));
        Assert.True(seen[JournalRecovery.Replayed] > 300 && seen[JournalRecovery.Discarded] > 300 && seen[JournalRecovery.Nothing] > 30);
    }

    private static void Count(PowerLossSimulation simulation, int seed, int cut, int loss, Dictionary<JournalRecovery, int> seen)
    {
        try
        {
            JournalRecovery recovery = simulation.Restart(new Random(seed * 1_000_003 + cut * 17 + loss));
            seen[recovery] = seen.GetValueOrDefault(recovery) + 1;
        }
        catch (InvalidOperationException problem)
        {
            Assert.Fail($"seed {seed}, power lost in step {cut}, loss {loss}: {problem.Message}");
        }
    }
}
