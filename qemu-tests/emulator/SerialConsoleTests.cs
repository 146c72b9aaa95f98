using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>What the bench makes of a guest's console.</summary>
public sealed class SerialConsoleTests
{
    [Fact]
    public void Heartbeats_are_taken_out_of_other_lines_but_not_out_of_quoted_logs()
    {
        string log = Path.GetTempFileName();
        try
        {
            // Numbers start anew with a new heart only; what is not later than the last beat is a copy.
            const string Text = "HB 1 10.000\none HB 2 10.100\r\ntwo\nHB 3 10.200\n| HB 2 10.100\n| HB 3 10.200\nHB 4 10.300\nHB 1 1.000\nHB 2 1.100\nend\n";
            using var console = new SerialConsole(new MemoryStream(Encoding.Latin1.GetBytes(Text)), Stopwatch.StartNew(), log, () => true);
            console.Start();
            console.Expect("end", TimeSpan.FromSeconds(10));
            Assert.Equal([1, 2, 3, 4, 1, 2], console.Heartbeats.Select(beat => beat.Number));
            Assert.Equal([10, 10.1, 10.2, 10.3, 1, 1.1], console.Heartbeats.Select(beat => beat.Uptime));
            Assert.Equal("one two", console.Lines[0].Text);
        }
        finally
        {
            File.Delete(log);
        }
    }

    [Theory]
    [InlineData("BEGIN\nfailed\n| Terminated\n| END7=143\nEND7=4\n", "4")]
    [InlineData("BEGIN\nwithout a line's endEND7=0\n", "0")]
    [InlineData("BEGIN\nEND6=1\nEND7=2\n", "2")]
    public void The_end_of_a_command_is_not_one_that_its_output_quotes(string text, string status) =>
        Assert.Equal(status, Regex.Match(text, Guest.CommandPattern(7)).Groups[2].Value);
}
