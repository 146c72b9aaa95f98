using System.Diagnostics;
using System.Text;
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
}
