using System.Text.Json.Nodes;
using Xunit;

namespace Hv.EmulatorTests;

[Collection(Collections.Qemu)]
public sealed class SmallMemoryTests(SmallMemoryFixture machine) : IClassFixture<SmallMemoryFixture>
{
    [Fact]
    public void When_the_pool_is_empty_the_shadow_is_thrown_away_and_the_system_goes_on()
    {
        string boot = machine.Run("cat /proc/sys/kernel/random/boot_id");
        long free = (long)machine.Status()["pool_free_bytes"]!;
        machine.Run("mount -o remount,size=90% /tmp; shadowctl start --reboot-command 'sleep 1000'");
        Assert.Equal("stopping", (string?)machine.Status()["phase"]);

        // Every page that the system takes for the file is one whose old contents the shadow is given.
        machine.Run($"dd if=/dev/zero of=/tmp/fill bs=1M count={(free >> 20) + 8} 2>/dev/null");

        JsonNode status = machine.Status();
        Assert.Equal("failed", (string?)status["phase"]);
        Assert.Equal("out_of_memory", (string?)status["failure"]);
        Assert.InRange((long)status["wanted_pool_bytes"]!, (long)status["pool_bytes"]! + 1, long.MaxValue);
        Assert.Equal(free, (long)status["pool_free_bytes"]!);
        Assert.Contains("would have been enough", machine.Run("shadowctl status"), StringComparison.Ordinal);
        Assert.Equal(boot, machine.Run("cat /proc/sys/kernel/random/boot_id"));
        machine.Run("rm /tmp/fill");
    }
}
