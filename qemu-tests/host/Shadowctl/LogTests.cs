using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class LogTests
{
    private readonly FakeSystem _system = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    private FakeHypervisor Hypervisor => _system.Hypervisor;

    [Fact]
    public void The_log_of_a_failed_shadow_can_be_read()
    {
        Hypervisor.Log = "Kernel panic - not syncing: no init\r\n";
        Hypervisor.Enter(ControlPhase.Failed);
        Assert.Equal(ExitCode.Success, Run("log"));
        Assert.Equal("Kernel panic - not syncing: no init\n", _output.ToString());
    }

    [Theory]
    [InlineData(ControlPhase.Stopping)]
    [InlineData(ControlPhase.Booting)]
    public void Following_ends_with_the_shadow_and_misses_nothing(ControlPhase phase)
    {
        Hypervisor.Log = "one\n";
        Hypervisor.Console.Enqueue("two\n");
        Hypervisor.Console.Enqueue("thr");
        Hypervisor.Console.Enqueue("ee\n");
        Hypervisor.Enter(phase);
        Hypervisor.Plan(TimeSpan.FromSeconds(5), ControlPhase.Failed);
        Assert.Equal(ExitCode.Success, Run("log", "--follow"));
        Assert.Equal("one\ntwo\nthree\n", _output.ToString());
    }

    [Fact]
    public void Following_without_a_shadow_ends_at_once()
    {
        TimeSpan start = _system.Uptime;
        Assert.Equal(ExitCode.Success, Run("log", "-f"));
        Assert.Equal(start, _system.Uptime);
    }

    [Fact]
    public void As_json_the_text_is_whole_and_says_what_is_lost()
    {
        Hypervisor.Log = "\x1b[1mbold\x1b[0m\r\n";
        Hypervisor.Status.LogStart = 7000;
        Assert.Equal(ExitCode.Success, Run("log", "--json"));
        JsonElement json = JsonDocument.Parse(_output.ToString()).RootElement;
        Assert.Equal(Hypervisor.Log, json.GetProperty("text").GetString());
        Assert.Equal(7000u, json.GetProperty("start").GetUInt64());
        Assert.Equal(7000u + (ulong)Hypervisor.Log.Length, json.GetProperty("end").GetUInt64());
        Assert.Equal(7000u, json.GetProperty("lost").GetUInt64());
    }

    [Fact]
    public void Following_as_json_writes_an_object_to_a_line()
    {
        Hypervisor.Log = "one\n";
        Hypervisor.Console.Enqueue("two\n");
        Hypervisor.Enter(ControlPhase.Ready);
        Hypervisor.Plan(TimeSpan.FromSeconds(3), ControlPhase.Idle);
        Assert.Equal(ExitCode.Success, Run("log", "--follow", "--json"));
        string[] texts = [.. _output.ToString().TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement.GetProperty("text").GetString()!)];
        Assert.Equal(["one\n", "two\n"], texts);
    }

    [Fact]
    public void A_new_shadow_s_log_is_read_from_its_beginning()
    {
        Hypervisor.Log = "a long log of an old shadow\n";
        var client = new ControlClient(Hypervisor);
        var log = new ConsoleLog(client);
        log.Begin(client.Status());
        Assert.Equal(Hypervisor.Log.Length, log.Read().Length);
        Hypervisor.Log = "new\n";
        Assert.Equal("new\n"u8.ToArray(), log.Read().ToArray());
    }

    [Fact]
    public void Bytes_that_were_overwritten_are_counted()
    {
        Hypervisor.Log = "0123456789";
        var client = new ControlClient(Hypervisor);
        var log = new ConsoleLog(client);
        log.Begin(client.Status());
        log.Read();
        Hypervisor.Status.LogStart = 100;
        Hypervisor.Log = "later";
        Assert.Equal("later"u8.ToArray(), log.Read().ToArray());
        Assert.Equal(90u, log.Lost);
    }

    [Theory]
    [InlineData(ControlFailure.KernelPanic, ExitCode.Failed, "panicked")]
    [InlineData(ControlFailure.TimedOut, ExitCode.TimedOut, "time limit")]
    public void A_failed_reboot_shows_the_end_of_the_console(ControlFailure failure, int exitCode, string sentence)
    {
        Hypervisor.AfterStart.AddRange([(1, ControlPhase.Booting), (2, ControlPhase.Failed)]);
        Hypervisor.Status.Failure = failure;
        Hypervisor.Log = string.Concat(Enumerable.Range(1, 500).Select(i => $"\x1b[31mline {i}\r\n"));
        Assert.Equal(exitCode, Run("reboot"));
        string[] lines = [.. _error.ToString().Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal))];
        Assert.Equal(12, lines.Length);
        Assert.Equal("| line 489", lines[0]);
        Assert.Equal("| line 500", lines[^1]);
        Assert.Contains(sentence, _error.ToString(), StringComparison.Ordinal);
        Assert.Contains("shadowctl log", _error.ToString(), StringComparison.Ordinal);
    }

    private int Run(params string[] arguments) => new CommandLine(_system, _output, _error).Run(arguments);
}
