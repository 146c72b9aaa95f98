using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

public sealed class StoryTests(ITestOutputHelper output)
{
    [LongFact]
    public void A_reboot_of_Debian_is_hidden_on_AMD() => Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Debian, Efi = Paths.Efi });

    [Fact]
    public void A_reboot_of_a_small_system_is_hidden_on_AMD() => Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Small, Efi = Paths.Efi });

    [Fact]
    public void Two_reboots_in_a_row_are_hidden_with_an_AHCI_disk() =>
        Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Small, Disk = DiskBus.Ahci, ShadowReboots = 2, Efi = Paths.Efi });

    [LongFact]
    public void A_reboot_is_hidden_on_Intel() => Tell(new StoryOptions { Bench = BenchKind.BochsVmx, Guest = GuestKind.Small, Efi = Paths.Efi });

    [KvmFact]
    public void A_reboot_of_Debian_is_hidden_with_KVM() => Tell(new StoryOptions { Bench = BenchKind.Kvm, Guest = GuestKind.Debian, Efi = Paths.Efi });

    private void Tell(StoryOptions options)
    {
        StoryResult result = new Story(options, new StepDisplay()).Tell();
        output.WriteLine(result.ToJson().ToString());
        Assert.True(result.Passed, result.Failure ?? string.Join("; ", result.Checks.Where(check => !check.Passed).Select(check => $"not so: {check.Name} ({check.Detail})")));
    }
}
