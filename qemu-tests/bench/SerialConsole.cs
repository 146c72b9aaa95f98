using System.Diagnostics.CodeAnalysis;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>
/// The guest's serial console: everything that comes is kept with its time, and what is expected can be waited for. Terminal
/// control sequences are dropped. Heartbeat lines ("HB number uptime"), which may interrupt any other line, are taken out of
/// the text and kept apart; not those that are not later than the last one, which are quotations from a log. A heart begins with number 1.
/// </summary>
public sealed partial class SerialConsole : IDisposable
{
    private const int LinesShownOnFailure = 25;

    private readonly Stream stream;
    private readonly Stopwatch clock;
    private readonly Func<bool> isAlive;
    private readonly Thread reader;
    private readonly Lock sending = new();
    private readonly object gate = new();
    private readonly List<SerialLine> lines = [];
    private readonly List<Heartbeat> heartbeats = [];
    private readonly StringBuilder text = new();
    private readonly List<(int End, TimeSpan Time)> arrivals = [];
    private readonly StreamWriter log;
    private string raw = "";
    private int consumed;
    private int lineStart;
    private TimeSpan lastActivity;
    private bool closed;

    /// <summary>Reads <paramref name="stream"/> until it ends. <paramref name="isAlive"/> tells whether more can come.</summary>
    public SerialConsole(Stream stream, Stopwatch clock, string logFile, Func<bool> isAlive)
    {
        this.stream = stream;
        this.clock = clock;
        this.isAlive = isAlive;
        log = new StreamWriter(logFile) { AutoFlush = true };
        reader = new Thread(Read) { IsBackground = true, Name = "serial console" };
    }

    /// <summary>Called for each complete line, on the reader's thread.</summary>
    public event Action<SerialLine>? LineReceived;

    /// <summary>Called for each heartbeat, on the reader's thread.</summary>
    public event Action<Heartbeat>? HeartbeatReceived;

    /// <summary>When the last byte came.</summary>
    public TimeSpan LastActivity { get { lock (gate) return lastActivity; } }

    /// <summary>All complete lines so far.</summary>
    public SerialLine[] Lines { get { lock (gate) return [.. lines]; } }

    /// <summary>All heartbeats so far.</summary>
    public Heartbeat[] Heartbeats { get { lock (gate) return [.. heartbeats]; } }

    /// <summary>What has come since the last line's end (a prompt, for example).</summary>
    public string PartialLine { get { lock (gate) return text.ToString(lineStart, text.Length - lineStart); } }

    /// <summary>Starts reading.</summary>
    public void Start() => reader.Start();

    /// <summary>Types text into the console.</summary>
    public void Send(string input)
    {
        lock (sending)
        {
            try
            {
                stream.Write(Encoding.UTF8.GetBytes(input));
                stream.Flush();
            }
            catch (IOException)
            {
                throw Failure($"The serial port was closed when '{input.TrimEnd()}' was to be sent.");
            }
        }
    }

    /// <summary>Waits until the pattern is found in what has come since the last match, and consumes it.</summary>
    /// <returns>The match, and when its last byte arrived.</returns>
    /// <exception cref="BenchException">It did not come in time, or the emulator ended; the message shows the last lines.</exception>
    public (Match Match, TimeSpan Time) Expect([StringSyntax("Regex")] string pattern, TimeSpan timeout, CancellationToken cancel = default)
    {
        if (TryExpect(pattern, timeout, out Match match, out TimeSpan time, cancel))
            return (match, time);
        throw Failure(isAlive() && !closed
            ? $"'{pattern}' did not appear on the console within {timeout.TotalSeconds:F0} s."
            : $"The emulator ended before '{pattern}' appeared on the console.");
    }

    /// <summary>Like <see cref="Expect"/>, but tells by its result whether the pattern came.</summary>
    public bool TryExpect([StringSyntax("Regex")] string pattern, TimeSpan timeout, out Match match, out TimeSpan time, CancellationToken cancel = default)
    {
        Regex regex = new(pattern, RegexOptions.CultureInvariant | RegexOptions.Multiline);
        TimeSpan end = clock.Elapsed + timeout;
        lock (gate)
        {
            while (true)
            {
                cancel.ThrowIfCancellationRequested();
                match = regex.Match(text.ToString(consumed, text.Length - consumed));
                if (match.Success)
                {
                    int matchEnd = consumed + match.Index + match.Length;
                    time = ArrivalOf(matchEnd);
                    consumed = matchEnd;
                    return true;
                }
                TimeSpan left = end - clock.Elapsed;
                if (left <= TimeSpan.Zero || closed || !isAlive())
                {
                    time = clock.Elapsed;
                    return false;
                }
                Monitor.Wait(gate, left < TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1));
            }
        }
    }

    /// <summary>Forgets what has come so far, so that only new text can match.</summary>
    public void Skip()
    {
        lock (gate)
            consumed = text.Length;
    }

    /// <summary>An exception whose message ends with the last lines of the console.</summary>
    public BenchException Failure(string message)
    {
        lock (gate)
        {
            IEnumerable<string> last = lines.TakeLast(LinesShownOnFailure).Select(line => line.ToString());
            string partial = text.ToString(lineStart, text.Length - lineStart);
            return new BenchException($"{message} The last lines of the console:\n{string.Join('\n', last)}\n{partial}".TrimEnd());
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        if (reader.IsAlive)
            reader.Join(TimeSpan.FromSeconds(5));
        if (PartialLine is { Length: > 0 } partial)
            log.WriteLine(new SerialLine(lastActivity, partial));
        log.Dispose();
    }

    private TimeSpan ArrivalOf(int position)
    {
        int index = arrivals.FindIndex(arrival => arrival.End >= position);
        return index < 0 ? lastActivity : arrivals[index].Time;
    }

    private void Read()
    {
        byte[] buffer = new byte[65536];
        char[] characters = new char[buffer.Length];
        Decoder decoder = Encoding.UTF8.GetDecoder();
        try
        {
            for (int count; (count = stream.Read(buffer)) > 0;)
                Take(new string(characters, 0, decoder.GetChars(buffer, 0, count, characters, 0)));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The emulator or this program has closed the port.
        }
        lock (gate)
        {
            closed = true;
            Monitor.PulseAll(gate);
        }
    }

    private void Take(string chunk)
    {
        TimeSpan now = clock.Elapsed;
        List<SerialLine> newLines = [];
        List<Heartbeat> newHeartbeats = [];
        lock (gate)
        {
            lastActivity = now;
            string pending = ControlSequence().Replace(raw + chunk, "");
            // The end of the text may be the beginning of a heartbeat or a control sequence: that much waits for the rest.
            int keep = Unfinished().Match(pending) is { Success: true } unfinished ? unfinished.Index : pending.Length;
            raw = pending[keep..];
            string clean = pending[..keep];
            clean = HeartbeatLine().Replace(clean, match =>
            {
                var heartbeat = new Heartbeat(
                    long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture),
                    double.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture),
                    now);
                if (heartbeats.Count == 0 || heartbeat.Number == 1 || heartbeat.Number > heartbeats[^1].Number)
                {
                    heartbeats.Add(heartbeat);
                    newHeartbeats.Add(heartbeat);
                }
                return "";
            });
            text.Append(clean.Replace("\r", "", StringComparison.Ordinal));
            arrivals.Add((text.Length, now));
            for (int i = lineStart; i < text.Length; i++)
            {
                if (text[i] != '\n')
                    continue;
                newLines.Add(new SerialLine(now, text.ToString(lineStart, i - lineStart)));
                lineStart = i + 1;
            }
            lines.AddRange(newLines);
            foreach (SerialLine line in newLines)
                log.WriteLine(line);
            Monitor.PulseAll(gate);
        }
        foreach (SerialLine line in newLines)
            LineReceived?.Invoke(line);
        foreach (Heartbeat heartbeat in newHeartbeats)
            HeartbeatReceived?.Invoke(heartbeat);
    }

    [GeneratedRegex(@"\x1b(\[[0-9;?=]*[A-Za-z]|[()][0-9A-Z]|[=>78cDEHM])|[\x00-\x07\x0b\x0c\x0e-\x1a]")]
    private static partial Regex ControlSequence();

    [GeneratedRegex(@"HB (\d+) (\d+\.\d+)\r*\n")]
    private static partial Regex HeartbeatLine();

    [GeneratedRegex(@"(H(B( (\d+( (\d+(\.\d*)?\r*)?)?)?)?)?|\x1b(\[[0-9;?=]*)?)\z")]
    private static partial Regex Unfinished();
}
