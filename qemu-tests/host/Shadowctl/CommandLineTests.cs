using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed unsafe class CommandLineTests
{
    private readonly FakeSystem _system = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    private FakeHypervisor Hypervisor => _system.Hypervisor;

    [Fact]
    public void Reboot_forks_waits_and_switches()
    {
        Hypervisor.AfterStart.Add((0.2, ControlPhase.Stopping));
        Boots(30);
        Assert.Equal(ExitCode.Success, Run("reboot", "--share", "20"));
        Assert.Equal(["start", "sync", "switch", "close"], _system.Calls);
        Assert.Equal(20u, Hypervisor.Share);
        Assert.False(Hypervisor.Cold);
        foreach (string phase in new[] { "forking", "stopping", "booting", "ready", "switching" })
            Assert.Contains(phase, _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("--share 0", true)]
    [InlineData("--share 10", false)]
    public void A_share_of_nothing_is_not_the_same_as_none_given(string option, bool hasNoShare)
    {
        Assert.Equal(ExitCode.Success, Run([.. "start --cold".Split(' '), .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
        Assert.Equal(hasNoShare, new StartOptions(Hypervisor.Share, Hypervisor.StartFlags).HasNoShare);
        Assert.Equal(option.EndsWith("10", StringComparison.Ordinal) ? 10u : 0, Hypervisor.Share);
    }

    [Fact]
    public void The_status_says_where_the_time_has_gone()
    {
        Hypervisor.Status.TscFrequency = 1_000_000;
        Hypervisor.Status.TurnPrimaryTicks = 2_000_000;
        Hypervisor.Status.TurnIdleTicks = 9_500_000;
        Hypervisor.Status.TurnLostTicks = 500_000;
        Assert.Equal(ExitCode.Success, Run("status", "--json"));
        JsonElement turns = JsonDocument.Parse(_output.ToString()).RootElement.GetProperty("turns");
        Assert.Equal(2, turns.GetProperty("primary_seconds").GetDouble());
        Assert.Equal(95, turns.GetProperty("idle_use_percent").GetDouble());
    }

    [Theory]
    [InlineData("reboot")]
    [InlineData("start")]
    public void In_the_fork_the_system_is_rebooted_and_nothing_else_is_done(string command)
    {
        Hypervisor.IsFork = true;
        Assert.Equal(ExitCode.Success, Run(command));
        Assert.Equal(["start", "reboot", "close"], _system.Calls);
    }

    [Fact]
    public void The_fork_can_be_rebooted_by_another_command()
    {
        Hypervisor.IsFork = true;
        Assert.Equal(ExitCode.Success, Run("start", "--reboot-command", "telinit 6"));
        Assert.Equal(["start", "reboot by telinit 6", "close"], _system.Calls);
    }

    [Fact]
    public void A_fork_that_cannot_be_rebooted_gives_itself_up()
    {
        Hypervisor.IsFork = true;
        _system.RebootProblem = "'false' ended with wait status 256: the shadow does not shut down.";
        Assert.Equal(ExitCode.Success, Run("start", "--reboot-command", "false"));
        Assert.Equal(["start", "reboot by false", "fail", "close"], _system.Calls);
        Assert.Equal(_system.RebootProblem, Hypervisor.FailMessage);
    }

    [Fact]
    public void A_pool_that_was_too_small_is_reported_with_the_size_that_would_do()
    {
        Hypervisor.AfterStart.AddRange([(1, ControlPhase.Stopping), (2, ControlPhase.Failed)]);
        Hypervisor.Status.Failure = ControlFailure.OutOfMemory;
        Hypervisor.Status.PoolBytes = 100 << 20;
        Hypervisor.Status.WantedPoolBytes = (700 << 20) + 1;
        Assert.Equal(ExitCode.Failed, Run("reboot"));
        Assert.Contains("It has 100 MiB; 701 MiB would have been enough.", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Cold_reboot_syncs_starts_waits_and_switches()
    {
        Boots(30);
        Assert.Equal(ExitCode.Success, Run("reboot", "--cold", "--share", "20"));
        Assert.Equal(["sync", "start", "sync", "switch", "close"], _system.Calls);
        Assert.Equal(20u, Hypervisor.Share);
        Assert.Equal(600u, Hypervisor.TimeLimit);
        Assert.True(Hypervisor.Cold);
        string[] lines = _error.ToString().Split('\n');
        foreach (string phase in new[] { "syncing", "preparing", "booting", "ready", "switching" })
            Assert.Contains(lines, line => line.Contains(phase, StringComparison.Ordinal));
        Assert.InRange(lines.Count(line => line.Contains("booting", StringComparison.Ordinal)), 3, 8);
    }

    [Fact]
    public void A_shadow_that_is_not_ready_in_time_is_thrown_away()
    {
        Hypervisor.AfterStart.Add((1, ControlPhase.Booting));
        TimeSpan start = _system.Uptime;
        Assert.Equal(ExitCode.TimedOut, Run("reboot", "--timeout", "20"));
        Assert.Equal(["start", "abort", "close"], _system.Calls);
        Assert.InRange((_system.Uptime - start).TotalSeconds, 20, 20.1);
        Assert.Contains("not ready within 20 s", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shadow_that_fails_is_reported_with_the_reason()
    {
        Hypervisor.AfterStart.AddRange([(1, ControlPhase.Booting), (2, ControlPhase.Failed)]);
        Hypervisor.Status.Failure = ControlFailure.Crashed;
        fixed (byte* message = Hypervisor.Status.Message)
            "Triple fault at 1234h."u8.CopyTo(new Span<byte>(message, StatusBlock.MessageLength));
        Assert.Equal(ExitCode.Failed, Run("reboot"));
        Assert.Equal(["start", "close"], _system.Calls);
        Assert.Contains("The shadow crashed (triple fault). Triple fault at 1234h. See 'shadowctl log'", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_journal_a_reboot_is_refused_before_anything_is_started()
    {
        Hypervisor.Status.Journal = ControlJournal.Absent;
        Assert.Equal(ExitCode.Failed, Run("reboot"));
        Assert.Equal(["close"], _system.Calls);
        Assert.Contains("not safe against power loss", _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("--no-journal", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_journal_a_reboot_can_be_asked_for_all_the_same()
    {
        Hypervisor.Status.Journal = ControlJournal.Absent;
        Boots(30);
        Assert.Equal(ExitCode.Success, Run("reboot", "--cold", "--no-journal"));
        Assert.Equal(["sync", "start", "sync", "switch", "close"], _system.Calls);
        Assert.Equal(ControlOpcode.StartCold | ControlOpcode.StartWithoutJournal, Hypervisor.StartFlags);
        Assert.Equal(ControlOpcode.SwitchWithoutJournal, Hypervisor.SwitchFlags);
    }

    [Fact]
    public void Wait_without_a_shadow_does_not_wait()
    {
        TimeSpan start = _system.Uptime;
        Assert.Equal(ExitCode.Failed, Run("wait"));
        Assert.Equal(start, _system.Uptime);
    }

    [Theory]
    [InlineData("start", ControlOpcode.Start, ControlStatus.ShadowExists, "There is a shadow already.")]
    [InlineData("start", ControlOpcode.Start, ControlStatus.NoMemory, "pool is too small")]
    [InlineData("switch", ControlOpcode.Switch, ControlStatus.NotReady, "not ready")]
    [InlineData("switch", ControlOpcode.Switch, ControlStatus.NoJournal, "not safe against power loss")]
    [InlineData("switch", ControlOpcode.Switch, ControlStatus.JournalTooSmall, "too small")]
    [InlineData("abort", ControlOpcode.Abort, ControlStatus.NoShadow, "no shadow")]
    [InlineData("status", ControlOpcode.Status, 0x002, "NVMe status 002h")]
    public void A_refusal_is_a_sentence(string command, byte opcode, ushort status, string sentence)
    {
        Hypervisor.Refusals.Add(opcode, status);
        Assert.Equal(ExitCode.Failed, Run(command));
        string line = Assert.Single(_error.ToString().Split('\n'), line => line.StartsWith("shadowctl: ", StringComparison.Ordinal));
        Assert.Contains(sentence, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("frobnicate")]
    [InlineData("reboot --timeout")]
    [InlineData("reboot --timeout soon")]
    [InlineData("reboot --timeout 0")]
    [InlineData("start --share 96")]
    [InlineData("start --share -1")]
    [InlineData("switch now")]
    [InlineData("fail")]
    [InlineData("log all")]
    [InlineData("start --timeout -1")]
    [InlineData("setup --size 8")]
    [InlineData("status --timeout 5")]
    public void Bad_arguments_are_refused_with_one_line_before_anything_happens(string arguments)
    {
        Assert.Equal(ExitCode.Usage, Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Empty(_system.Calls);
        Assert.Empty(_output.ToString());
        Assert.Single(_error.ToString().TrimEnd().Split('\n'));
        Assert.StartsWith("shadowctl: ", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reboot")]
    [InlineData("start")]
    [InlineData("wait")]
    [InlineData("switch")]
    [InlineData("setup")]
    [InlineData("abort")]
    [InlineData("status")]
    [InlineData("log")]
    [InlineData("ready")]
    [InlineData("fail")]
    [InlineData("finish")]
    [InlineData("")]
    public void Every_command_has_help(string command)
    {
        Assert.Equal(ExitCode.Success, command.Length == 0 ? Run("--help") : Run(command, "--help"));
        Assert.Contains("--json", _output.ToString(), StringComparison.Ordinal);
        Assert.Empty(_system.Calls);
    }

    [Fact]
    public void Without_Hv_every_command_says_so()
    {
        _system.OpenProblem = new ControlException(ExitCode.NoHypervisor, "This system does not run under Hv.");
        foreach (string command in new[] { "reboot", "start", "wait", "switch", "abort", "status", "log", "ready", "fail emergency", "finish" })
            Assert.Equal(ExitCode.NoHypervisor, Run(command.Split(' ')));
        Assert.Empty(_system.Calls);
    }

    [Fact]
    public void Another_protocol_is_not_taken_for_ours()
    {
        Hypervisor.Status.Magic++;
        Assert.Equal(ExitCode.NoHypervisor, Run("status"));
    }

    [Fact]
    public void With_json_the_outcome_of_a_command_can_be_read()
    {
        Boots(2);
        Assert.Equal(ExitCode.Success, Run("start", "--json"));
        Assert.True(Json().GetProperty("ok").GetBoolean());
        _output.GetStringBuilder().Clear();
        Hypervisor.Refusals.Add(ControlOpcode.Switch, ControlStatus.NotReady);
        Assert.Equal(ExitCode.Failed, Run("--json", "switch"));
        Assert.False(Json().GetProperty("ok").GetBoolean());
        Assert.Equal(ExitCode.Failed, Json().GetProperty("exit_code").GetInt32());
        Assert.Equal("The shadow is not ready.", Json().GetProperty("message").GetString());
    }

    [Fact]
    public void Status_shows_what_the_block_holds()
    {
        FillStatus();
        Assert.Equal(ExitCode.Success, Run("status", "--json"));
        JsonElement json = Json();
        Assert.Equal("promoted", json.GetProperty("role").GetString());
        Assert.Equal("settling", json.GetProperty("phase").GetString());
        Assert.Equal(25, json.GetProperty("phase_percent").GetDouble());
        Assert.Equal(12.5, json.GetProperty("elapsed_seconds").GetDouble());
        Assert.Equal(77u, json.GetProperty("pages_copied").GetUInt64());
        Assert.Equal("v1-abc", json.GetProperty("build_id").GetString());
        Assert.Equal(5u, json.GetProperty("exits").GetProperty("primary").GetProperty("cpuid").GetUInt64());
        Assert.Equal(6u, json.GetProperty("exits").GetProperty("shadow").GetProperty("reason_1").GetUInt64());
        Assert.False(json.GetProperty("exits").GetProperty("shadow").TryGetProperty("cpuid", out _));
        Assert.Equal(0.25, json.GetProperty("switch_seconds").GetProperty("shadow_entered").GetDouble());
        JsonElement device = Assert.Single(json.GetProperty("devices").EnumerateArray());
        Assert.Equal("02:1f.3", device.GetProperty("address").GetString());
        Assert.Equal("8086:10d3", device.GetProperty("id").GetString());
        Assert.Equal("function_level", device.GetProperty("reset").GetString());
        Assert.True(device.GetProperty("quiet").GetBoolean());

        _output.GetStringBuilder().Clear();
        Assert.Equal(ExitCode.Success, Run("status"));
        foreach (string part in new[] { "promoted", "settling, 25 %", "77 copied", "v1-abc", "cpuid", "8086:10d3 quiet", "250.000 ms" })
            Assert.Contains(part, _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_devices_are_shown_as_a_table()
    {
        FillStatus();
        Hypervisor.Status.QuiesceCount = 4;
        Hypervisor.Status.WriteQuiesce(1, new QuiesceRecord { Address = 8, Vendor = 0x1af4, Device = 0x1000, Class = 0x0C03, Flags = QuiesceFlags.WasRun | QuiesceFlags.WasIsolated });
        Hypervisor.Status.WriteQuiesce(2, new QuiesceRecord { Address = 16, Vendor = 0x1234, Device = 0x11e8, Class = 0x00ff, Offered = 0x10 });
        const QuiesceFlags withVirtual = QuiesceFlags.WasRun | QuiesceFlags.IsQuiet | QuiesceFlags.HadVirtualFunctions;
        Hypervisor.Status.WriteQuiesce(3, new QuiesceRecord { Address = 24, Vendor = 0x1b36, Device = 0x0010, Class = 0x0108, Offered = 1, Worked = 1, Flags = withVirtual, Microseconds = 100_400 });
        Assert.Equal(ExitCode.Success, Run("status", "--devices"));
        string[] lines = _output.ToString().TrimEnd().Split('\n');
        Assert.Equal(6, lines.Length);
        Assert.Equal("02:1f.3  8086:10d3  network       quiet, reset function_level             3.0 ms  function_level, device", lines[1].TrimEnd());
        Assert.Equal("00:01.0  1af4:1000  USB           NOT quiet, isolated, reset none         0.0 ms  none", lines[2].TrimEnd());
        Assert.Equal("00:02.0  1234:11e8  class 00ff    -                                            -  device", lines[3].TrimEnd());
        Assert.StartsWith("00:03.0  1b36:0010  ", lines[4], StringComparison.Ordinal);
        Assert.Contains(" quiet, reset function_level, VFs off  ", lines[4], StringComparison.Ordinal);
        Assert.Equal("DMA remapping: none", lines[5].TrimEnd());
    }

    [Fact]
    public void DMA_remapping_is_shown_with_the_last_request_that_was_refused()
    {
        FillStatus();
        Hypervisor.Status.Remapping = RemappingState.Vtd;
        Hypervisor.Status.RemappingUnits = 2;
        Assert.Equal(ExitCode.Success, Run("status", "--devices"));
        Assert.Contains("DMA remapping: vtd, 2 unit(s), 0 requests refused\n", _output.ToString(), StringComparison.Ordinal);
        Hypervisor.Status.RemappingFaults = 3;
        Hypervisor.Status.LastFaultRequester = 0x80;
        Hypervisor.Status.LastFaultAddress = 0x1234_5000;
        Hypervisor.Status.LastFaultReason = 0x12;
        Hypervisor.Status.LastFaultIsWrite = 1;
        Assert.Equal(ExitCode.Success, Run("status", "--devices"));
        Assert.Contains("3 requests refused, the last one: write of 00:10.0 at 12345000, reason 12", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, Run("status", "--json"));
        foreach (string part in new[] { "\"state\": \"vtd\"", "\"faults\": 3", "\"device\": \"00:10.0\"", "\"address\": \"12345000\"" })
            Assert.Contains(part, _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Hostile_counts_in_the_block_do_no_harm()
    {
        Hypervisor.Status.ExitReasonCount = uint.MaxValue;
        Hypervisor.Status.QuiesceCount = uint.MaxValue;
        Hypervisor.Status.Phase = (ControlPhase)99;
        Hypervisor.Status.Role = (ControlRole)99;
        Assert.Equal(ExitCode.Success, Run("status", "--json"));
        Assert.Equal(StatusBlock.MaximumQuiesceRecords, Json().GetProperty("devices").GetArrayLength());
        Assert.Equal("unknown", Json().GetProperty("phase").GetString());
    }

    [Fact]
    public void The_log_is_printed_from_where_it_still_is()
    {
        Hypervisor.Log = string.Concat(Enumerable.Repeat("line of the shadow\r\n", 1000));
        Hypervisor.Status.LogStart = 5000;
        Assert.Equal(ExitCode.Success, Run("log"));
        Assert.Equal(Hypervisor.Log.Replace("\r", "", StringComparison.Ordinal), _output.ToString());
    }

    [Fact]
    public void Ready_in_an_ordinarily_started_system_does_nothing()
    {
        Assert.Equal(ExitCode.Success, Run("ready", "--finish"));
        Assert.Equal(["close"], _system.Calls);
    }

    [Fact]
    public void Ready_returns_after_the_switch_and_finishes_it()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.PromotionAt = _system.Uptime + TimeSpan.FromSeconds(12);
        _system.Cards.Add("0000:00:02.0", TimeSpan.FromSeconds(1));
        Assert.Equal(ExitCode.Success, Run("ready", "--finish"));
        Assert.Equal(["ready", "ready", "ready", "rescan", "close"], _system.Calls);
        Assert.Contains("network card 0000:00:02.0: eth0", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Ready_alone_leaves_the_devices_alone()
    {
        Hypervisor.Status.Role = ControlRole.Shadow;
        Hypervisor.PromotionAt = _system.Uptime;
        Assert.Equal(ExitCode.Success, Run("ready"));
        Assert.DoesNotContain("rescan", _system.Calls);
    }

    private int Run(params string[] arguments) => new CommandLine(_system, _output, _error).Run(arguments);

    private JsonElement Json() => JsonDocument.Parse(_output.ToString()).RootElement;

    private void Boots(double seconds) =>
        Hypervisor.AfterStart.AddRange([(0.5, ControlPhase.Booting), (seconds, ControlPhase.Ready)]);

    private void FillStatus()
    {
        ref StatusBlock status = ref Hypervisor.Status;
        status.Role = ControlRole.Promoted;
        status.Phase = ControlPhase.Settling;
        status.ElapsedNanoseconds = 12_500_000_000;
        status.ProgressDone = 250;
        status.ProgressTotal = 1000;
        status.PagesCopied = 77;
        status.TscFrequency = 1000;
        status.ExitReasonCount = 2;
        status.QuiesceCount = 1;
        status.SwitchCount = 1;
        status.WriteQuiesce(0, new QuiesceRecord { Address = 0x2fb, Vendor = 0x8086, Device = 0x10d3, Class = 0x0200, Offered = 0x11, Tried = 1, Worked = 1, Flags = QuiesceFlags.WasRun | QuiesceFlags.IsQuiet, Microseconds = 3_000 });
        fixed (StatusBlock* block = &status)
        {
            "v1-abc"u8.CopyTo(new Span<byte>(block->BuildId, StatusBlock.BuildIdLength));
            "cpuid"u8.CopyTo(new Span<byte>(block->ExitReasonNames, StatusBlock.ExitReasonNameLength));
            block->PrimaryExits[0] = 5;
            block->ShadowExits[1] = 6;
            block->SwitchMarks[(int)SwitchMark.Requested] = 5000;
            block->SwitchMarks[(int)SwitchMark.ShadowEntered] = 5250;
        }
    }

    [Theory]
    [InlineData("on", 1)]
    [InlineData("off", 0)]
    public void Fast_reboots_can_be_turned_on_and_off(string value, int expected)
    {
        Assert.Equal(ExitCode.Success, Run("config", "fast-reboot", value));
        Assert.Equal([$"configure {ControlOpcode.SettingFastReboot} {expected}", "close"], _system.Calls);
    }

    [Theory]
    [InlineData("config")]
    [InlineData("config", "fast-reboot")]
    [InlineData("config", "fast-reboot", "maybe")]
    [InlineData("config", "slow-reboot", "on")]
    public void A_setting_that_does_not_exist_is_a_wrong_command_line(params string[] arguments)
    {
        Assert.Equal(ExitCode.Usage, Run(arguments));
        Assert.Empty(_system.Calls);
    }

    [Fact]
    public void The_status_tells_of_fast_reboots_and_suspends()
    {
        Hypervisor.Status.Power = PowerFlags.FastReboot | PowerFlags.Suspend;
        Hypervisor.Status.FastReboots = 3;
        Hypervisor.Status.FastRebootNanoseconds = 115_000_000;
        Hypervisor.Status.Suspends = 2;
        Assert.Equal(ExitCode.Success, Run("status"));
        foreach (string line in new[] { "fast reboot           on", "fast reboots        3, the last one in 0.115 s", "suspend to RAM        under Hv, 2 so far" })
            Assert.Contains(line, _output.ToString(), StringComparison.Ordinal);
    }
}
