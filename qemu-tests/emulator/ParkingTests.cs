using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

[Collection(Collections.Qemu)]
public sealed class ParkingTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public void On_a_machine_with_several_processors_the_others_stay_parked_and_Hv_says_so()
    {
        using Emulator emulator = Machine.Start(BenchKind.QemuSvm, "processors", GuestKind.Small, processors: 2);
        Guest guest = Guest.Create(GuestKind.Small, emulator);
        try
        {
            emulator.Console.Expect("this machine has several processors", Limit);
            guest.WaitUntilUp(Limit);
            guest.LogIn(Limit);
            Assert.Equal("1", guest.Run("grep -c ^processor /proc/cpuinfo", Limit));
            Assert.Equal("0", guest.Run("cat /sys/devices/system/cpu/online", Limit));
        }
        catch (BenchException e)
        {
            throw emulator.Explain(e);
        }
    }
}
