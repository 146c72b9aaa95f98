using Hv.Bench;
using Xunit;
using Xunit.Abstractions;

namespace Hv.EmulatorTests;

/// <summary>Screen, keyboards and network of the machine are the new system's after a switch.</summary>
[Collection(Collections.Qemu)]
public sealed class ConsoleTests(ConsoleFixture machine, ITestOutputHelper output) : IClassFixture<ConsoleFixture>
{
    private const int FewestLitPixels = 3000;
    private const double LongestToCard = 20, LongestToLease = 10;

    [Fact]
    public void The_screen_shows_what_the_shadow_has_drawn_in_the_mode_of_the_boot()
    {
        output.WriteLine($"old {machine.Old.Width} x {machine.Old.Height}, drawn {machine.Drawn.Width} x {machine.Drawn.Height}, {machine.Drawn.Lit} pixels lit");
        Assert.NotEqual((machine.Old.Width, machine.Old.Height), (machine.Drawn.Width, machine.Drawn.Height));
        Assert.InRange(machine.Drawn.Lit, FewestLitPixels, int.MaxValue);
        Assert.Equal(0, machine.Drawn.Differing(machine.Switched));
    }

    [Fact]
    public void The_screen_stays_when_the_display_is_found_with_a_driver_and_without()
    {
        Assert.Equal(0, machine.Drawn.Differing(machine.Found));
        Assert.Contains("bochs", machine.Driver, StringComparison.Ordinal);
        Assert.Equal(0, machine.Drawn.Differing(machine.Driven));
    }

    [Fact]
    public void A_key_on_the_PS2_keyboard_arrives() => Assert.Equal("typedonps2", machine.Ps2);

    [Fact]
    public void A_key_on_the_USB_keyboard_arrives() => Assert.Equal("usb7 24", machine.Usb);

    [Fact]
    public void The_network_answers_with_a_new_lease_and_with_a_remembered_one()
    {
        foreach (NetworkMoments moments in machine.Moments)
            output.WriteLine($"{moments}");
        output.WriteLine($"switch to answer, remembered: {machine.Second.OnNetwork}");
        Assert.All(machine.Answers, Assert.NotNull);
        Assert.Equal(3, machine.Answers.Select(answer => answer!.Boot).Distinct().Count());
        Assert.Null(machine.Moments[0].Remembered);
        NetworkMoments second = machine.Moments[1];
        Assert.NotNull(second.Remembered);
        Assert.InRange(second.Card - second.Promoted, 0, LongestToCard);
        Assert.InRange(second.Lease - second.Card, 0, LongestToLease);
        Assert.InRange(second.Remembered.Value, second.Card, second.Lease);
    }
}
