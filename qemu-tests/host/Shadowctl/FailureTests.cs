using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class FailureTests
{
    private readonly FakeSystem _system = new();
    private readonly StringWriter _error = new();

    private FakeHypervisor Hypervisor => _system.Hypervisor;

    public static IEnumerable<object[]> Failures =>
        Enum.GetValues<ControlFailure>().Where(failure => failure is not (ControlFailure.None or ControlFailure.Count)).Select(failure => new object[] { failure });

    [Theory]
    [MemberData(nameof(Failures))]
    public void Every_failure_has_a_word_a_sentence_and_an_advice(ControlFailure failure)
    {
        Assert.Matches("^[a-z_]+$", Names.Of(failure));
        Assert.NotEqual("unknown", Names.Of(failure));
        Assert.EndsWith(".", Names.Explain(failure), StringComparison.Ordinal);
        Assert.NotEqual(Names.Explain(ControlFailure.Count), Names.Explain(failure));
        Assert.Equal(failure == ControlFailure.Aborted, Names.Advice(failure).Length == 0);
    }

    [Fact]
    public void No_two_failures_have_the_same_word() =>
        Assert.Equal(Failures.Count(), Failures.Select(failure => Names.Of((ControlFailure)failure[0])).Distinct().Count());

    [Theory]
    [InlineData("emergency", ControlFailure.EmergencyMode, "It is emergency mode.")]
    [InlineData("rescue", ControlFailure.EmergencyMode, "It is rescue mode.")]
    [InlineData("The database is empty.", ControlFailure.Rejected, "The database is empty.")]
    public void A_shadow_can_report_that_it_is_bad(string reason, ControlFailure failure, string message)
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Assert.Equal(ExitCode.Success, Run(["fail", .. reason.Split(' ')]));
        Assert.Equal(failure, Hypervisor.Status.Failure);
        Assert.Equal(message, Hypervisor.FailMessage);
    }

    [Fact]
    public void A_long_reason_is_cut_to_what_there_is_room_for()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Assert.Equal(ExitCode.Success, Run("fail", new string('x', 300)));
        Assert.Equal(StatusBlock.MessageLength, Hypervisor.FailMessage.Length);
    }

    [Theory]
    [InlineData(ControlRole.Primary)]
    [InlineData(ControlRole.Promoted)]
    public void A_system_that_is_no_shadow_reports_nothing(ControlRole role)
    {
        Hypervisor.Status.Role = role;
        Assert.Equal(ExitCode.Success, Run("fail", "emergency"));
        Assert.Equal(["close"], _system.Calls);
    }

    [Fact]
    public void A_critical_unit_that_fails_while_the_system_starts_is_reported_instead_of_readiness()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        _system.CriticalUnits = ["nginx.service", "postgresql@15-main.service"];
        TimeSpan started = _system.Uptime + TimeSpan.FromSeconds(20);
        _system.Jobs = now => now < started ? ["postgresql@15-main.service"] : [];
        _system.Failing.Add((_system.Uptime, "fancontrol.service"));
        _system.Failing.Add((_system.Uptime + TimeSpan.FromSeconds(15), "postgresql@15-main.service"));
        Assert.Equal(ExitCode.Failed, Run("ready"));
        Assert.Equal(["fail", "close"], _system.Calls);
        Assert.Equal(ControlFailure.FailedUnit, Hypervisor.Status.Failure);
        Assert.Equal("Failed: postgresql@15-main.service.", Hypervisor.FailMessage);
    }

    [Fact]
    public void Other_failed_units_are_told_of_and_nothing_more()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.PromotionAt = _system.Uptime;
        _system.Failing.Add((_system.Uptime, "fancontrol.service"));
        Assert.Equal(ExitCode.Success, Run("ready"));
        Assert.DoesNotContain("fail", _system.Calls);
        Assert.Contains("failed units: fancontrol.service", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, ExitCode.Success, "ready close")]
    [InlineData(true, ExitCode.Failed, "fail close")]
    public void A_silent_service_manager_stands_in_the_way_only_where_it_is_asked_for_something(bool hasCritical, int exitCode, string calls)
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.PromotionAt = _system.Uptime;
        _system.ServiceManagerAnswers = false;
        _system.CriticalUnits = hasCritical ? ["ssh.service"] : [];
        Assert.Equal(exitCode, Run("ready"));
        Assert.Equal(calls.Split(' '), _system.Calls);
        Assert.Equal(hasCritical ? ControlFailure.Rejected : ControlFailure.None, Hypervisor.Status.Failure);
        Assert.Contains("service manager", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shadow_with_a_wrong_configuration_is_no_good()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        _system.Disks.Configuration = "failed-units = everything\n";
        Assert.Equal(ExitCode.Failed, Run("ready"));
        Assert.Equal(ControlFailure.Rejected, Hypervisor.Status.Failure);
        Assert.StartsWith("The shadow's configuration is wrong: /etc/shadowreboot.conf:1: ", Hypervisor.FailMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void Systemctl_s_listing_is_read() => Assert.Equal(["a.service", "b@x.mount"],
        UnitList.ParseListing("a.service loaded failed failed The A\n  b@x.mount   not-found failed failed b\n\n"));

    [Fact]
    public void Of_systemctl_s_jobs_only_those_that_run_count() => Assert.Equal(["a.service", "srv-data.mount"],
        UnitList.ParseJobs(" 1 a.service start running\n22 b.service start waiting\n\n  3 srv-data.mount start running\n"));

    private int Run(params string[] arguments) => new CommandLine(_system, TextWriter.Null, _error).Run(arguments);
}
