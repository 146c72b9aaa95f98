using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

[Collection(Collections.Qemu)]
public sealed class QemuStoryTests(ITestOutputHelper output) : StoryTests(output)
{
    [Fact]
    public void A_reboot_of_Debian_is_hidden_on_AMD() => Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Debian, Efi = Paths.Efi });

    [Fact]
    public void A_reboot_of_a_small_system_is_hidden_on_AMD() => Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Small, Efi = Paths.Efi });

    [Fact]
    public void Three_reboots_in_a_row_the_first_one_cold_are_hidden_with_an_AHCI_disk() =>
        Tell(new StoryOptions { Bench = BenchKind.QemuSvm, Guest = GuestKind.Small, Disk = DiskBus.Ahci, ShadowReboots = 3, ColdReboots = 1, Efi = Paths.Efi });

    [KvmFact]
    public void A_reboot_of_Debian_is_hidden_with_KVM() => Tell(new StoryOptions { Bench = BenchKind.Kvm, Guest = GuestKind.Debian, Efi = Paths.Efi });
}
