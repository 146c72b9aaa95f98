using System.Text;
using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Hv.Shadow.Health;
using Xunit;

namespace Hv.HostTests.Health;

public sealed class PanicWatchTests
{
    private const ulong Now = 1_000_000_000_000;

    private readonly SerialLog _log = new();
    private readonly PanicWatch _watch = new();

    [Theory]
    [InlineData("[    1.234567] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n", "VFS: Unable to mount root fs")]
    [InlineData("no newline before thisKernel panic - not syncing: sysrq triggered crash\n", "sysrq triggered crash")]
    [InlineData("KKernel panic - not Kernel panic - not syncing: twice begun\n", "twice begun")]
    [InlineData("Kernel panic - not syncing\n", "")]
    public void A_panic_is_found_with_its_reason(string text, string reason)
    {
        Send(text, Now);
        Assert.True(_watch.HasPanicked);
        Assert.Equal(Now + PanicWatch.Patience, _watch.Deadline);
        Assert.Equal(reason, Encoding.ASCII.GetString(_watch.Reason));
    }

    [Theory]
    [InlineData("kernel panic - not syncing\n")]
    [InlineData("Kernel panic - syncing\n")]
    [InlineData("Kernel panic\r\n - not syncing\n")]
    [InlineData("Kernel panic - not syncin")]
    public void Other_text_is_no_panic(string text)
    {
        Send(text, Now);
        Assert.False(_watch.HasPanicked);
        Assert.Equal(VirtualClock.Never, _watch.Deadline);
    }

    [Fact]
    public void It_is_found_whatever_pieces_it_comes_in()
    {
        foreach (char character in "[1] Kernel panic - not syncing: Attempted to kill init!\n")
            Send(character.ToString(), Now);
        Assert.Equal("Attempted to kill init!", Encoding.ASCII.GetString(_watch.Reason));
    }

    [Fact]
    public void The_report_s_last_line_ends_the_waiting()
    {
        Send("Kernel panic - not syncing: Fatal exception\nCall Trace:\n", Now);
        Send("---[ end Kernel panic - not syncing: Fatal exception ]---\r", Now + 70);
        Assert.Equal(Now + PanicWatch.Patience, _watch.Deadline);
        Send("\n", Now + 80);
        Assert.Equal(Now + 80, _watch.Deadline);
        Assert.Equal("Fatal exception", Encoding.ASCII.GetString(_watch.Reason));
    }

    [Fact]
    public void A_reason_longer_than_there_is_room_for_is_cut()
    {
        Send("Kernel panic - not syncing: " + new string('x', 10_000), Now);
        Assert.Equal(new string('x', 96), Encoding.ASCII.GetString(_watch.Reason));
    }

    [Fact]
    public void A_system_that_lives_on_has_not_panicked()
    {
        Send("a program prints: Kernel panic - not syncing: hoax\n", Now);
        _watch.Dismiss();
        Assert.False(_watch.HasPanicked);
        Send("Kernel panic - not syncing: real\n", Now);
        Assert.Equal("real", Encoding.ASCII.GetString(_watch.Reason));
    }

    [Fact]
    public void What_an_earlier_shadow_wrote_does_not_count()
    {
        Write("Kernel panic - not syncing: old\nKernel panic");
        _watch.Begin(_log);
        Send(" - not syncing: no\n", Now);
        Assert.False(_watch.HasPanicked);
        _watch.Begin(_log);
        _log.Clear();
        Send("Kernel panic - not syncing: new\n", Now);
        Assert.Equal("new", Encoding.ASCII.GetString(_watch.Reason));
    }

    [Fact]
    public void More_text_than_the_log_holds_does_no_harm()
    {
        Write(new string('.', 3 * SerialLog.Capacity));
        Send("Kernel panic - not syncing: late\n", Now);
        Assert.Equal("late", Encoding.ASCII.GetString(_watch.Reason));
    }

    private void Send(string text, ulong now)
    {
        Write(text);
        _watch.Read(_log, now);
    }

    private void Write(string text)
    {
        foreach (byte value in Encoding.ASCII.GetBytes(text))
            _log.Write(value);
    }
}
