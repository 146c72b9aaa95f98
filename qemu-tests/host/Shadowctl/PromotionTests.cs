using System;
using System.IO;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class PromotionTests
{
    private readonly StringWriter _log = new();

    [Fact]
    public void Devices_are_looked_for_once_the_switch_is_over()
    {
        var system = new FakeSystem();
        system.Hypervisor.Enter(ControlPhase.Switching);
        system.Hypervisor.Plan(TimeSpan.FromSeconds(7), ControlPhase.Settling);
        TimeSpan start = system.Uptime;
        Finish(system, 60);
        Assert.Equal(["rescan"], system.Calls);
        Assert.InRange((system.Uptime - start).TotalSeconds, 7, 7.1);
    }

    [Fact]
    public void If_the_configuration_says_so_nobody_looks_for_devices_and_Hv_knows()
    {
        var system = new FakeSystem();
        system.Disks.Configuration = "rescan = no\n";
        system.Hypervisor.Status.Role = ControlRole.Shadow;
        system.Hypervisor.PromotionAt = system.Uptime + TimeSpan.FromSeconds(3);
        using var client = new ControlClient(system.Hypervisor);
        var promotion = new Promotion(system, client, _log);
        Assert.True(promotion.ReportReady());
        Assert.Equal(0u, system.Hypervisor.ReadyFlags);
        promotion.Finish(TimeSpan.FromSeconds(10));
        Assert.DoesNotContain("rescan", system.Calls);
    }

    [Fact]
    public void Hv_knows_that_devices_are_looked_for()
    {
        var system = new FakeSystem();
        system.Hypervisor.Status.Role = ControlRole.Shadow;
        system.Hypervisor.PromotionAt = system.Uptime + TimeSpan.FromSeconds(3);
        using var client = new ControlClient(system.Hypervisor);
        Assert.True(new Promotion(system, client, _log).ReportReady());
        Assert.Equal(ControlOpcode.ReadyFindsDevices, system.Hypervisor.ReadyFlags);
    }

    [Fact]
    public void A_switch_that_does_not_end_is_reported()
    {
        var system = new FakeSystem();
        system.Hypervisor.Enter(ControlPhase.Switching);
        var problem = Assert.Throws<ControlException>(() => Finish(system, 10));
        Assert.Equal(ExitCode.TimedOut, problem.ExitCode);
        Assert.Equal(["rescan"], system.Calls);
    }

    [Fact]
    public void All_network_cards_are_waited_for()
    {
        var system = new FakeSystem();
        system.Cards.Add("0000:00:02.0", TimeSpan.FromSeconds(1));
        system.Cards.Add("0000:00:03.0", TimeSpan.FromSeconds(4));
        TimeSpan start = system.Uptime;
        Finish(system, 60);
        Assert.InRange((system.Uptime - start).TotalSeconds, 4, 4.2);
    }

    [Fact]
    public void A_card_without_a_driver_is_not_waited_for_for_ever()
    {
        var system = new FakeSystem();
        system.Cards.Add("0000:00:02.0", null);
        var problem = Assert.Throws<ControlException>(() => Finish(system, 10));
        Assert.Contains("network card", problem.Message, StringComparison.Ordinal);
        Assert.Contains("0000:00:02.0: no interface", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_card_that_had_no_interface_before_is_not_waited_for()
    {
        var system = new FakeSystem();
        system.Cards.Add("0000:00:02.0", TimeSpan.FromSeconds(1));
        system.Cards.Add("0000:00:03.0", null);
        system.Disks.NetworkCards = ["0000:00:02.0"];
        TimeSpan start = system.Uptime;
        Finish(system, 10);
        Assert.InRange((system.Uptime - start).TotalSeconds, 1, 1.2);
        Assert.Contains("0000:00:03.0: no interface", _log.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-0.4)]
    [InlineData(0)]
    [InlineData(0.4)]
    public void A_clock_that_is_right_is_left_alone(double error)
    {
        var system = new FakeSystem { ClockError = TimeSpan.FromSeconds(error) };
        Finish(system, 10);
        Assert.DoesNotContain("set clock", system.Calls);
    }

    [Theory]
    [InlineData(-3600)]
    [InlineData(-2)]
    [InlineData(2)]
    [InlineData(86400 * 365.0)]
    public void A_clock_that_is_wrong_is_stepped_at_the_hardware_clocks_tick(double error)
    {
        var system = new FakeSystem { ClockError = TimeSpan.FromSeconds(error) };
        Finish(system, 10);
        Assert.Contains("set clock", system.Calls);
        Assert.InRange(Math.Abs(system.CurrentClockError.TotalMilliseconds), 0, 10);
        Assert.Contains("clock stepped by", _log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_hardware_clock_the_clock_is_left_alone()
    {
        var system = new FakeSystem { ClockError = TimeSpan.FromHours(1), HasHardwareClock = false };
        Finish(system, 10);
        Assert.DoesNotContain("set clock", system.Calls);
    }

    private void Finish(FakeSystem system, int seconds) =>
        new Promotion(system, new ControlClient(system.Hypervisor), _log).Finish(TimeSpan.FromSeconds(seconds));
}
