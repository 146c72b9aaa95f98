using System.Text.Json.Nodes;
using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>Checks that a shadow that comes to nothing leaves the machine's system alone.</summary>
internal static class UnharmedCheck
{
    private const double LongestGap = 1;

    /// <summary>Runs <paramref name="action"/>; the heart must go on beating meanwhile, no other system take over, and the pool be as it was.</summary>
    public static void Unharmed(this MachineFixture machine, Action action, double longestGap = LongestGap)
    {
        JsonNode before = machine.Status();
        string boot = machine.Run("cat /proc/sys/kernel/random/boot_id");
        machine.Guest.StartHeartbeat(machine.CommandTime);
        machine.Run("sleep 1");
        TimeSpan start = machine.Guest.Emulator.Clock.Elapsed;

        action();

        machine.Run("sleep 1");
        Downtime beats = new(start, [.. machine.Guest.Emulator.Console.Heartbeats.Where(beat => beat.Seen >= start)], machine.Guest.Emulator.Clock.Elapsed, null);
        machine.Run("rm /run/heartbeat; killall heartbeat");
        Assert.NotEmpty(beats.Heartbeats);
        Assert.True(beats.IsComplete, "a heartbeat is missing");
        Assert.InRange(beats.LongestGap, 0, longestGap);
        Assert.Equal(boot, machine.Run("cat /proc/sys/kernel/random/boot_id"));
        JsonNode after = machine.Status();
        Assert.Equal((long?)before["pool_bytes"], (long?)after["pool_bytes"]);
        Assert.Equal((long?)before["pool_free_bytes"], (long?)after["pool_free_bytes"]);
    }
}
