using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>A guest that runs in an emulator, used through its console.</summary>
public abstract class Guest(Emulator emulator)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(0.5), LongestWait = TimeSpan.FromSeconds(5), KeyInterval = TimeSpan.FromMilliseconds(500);

    private int commands;

    /// <summary>The emulator.</summary>
    public Emulator Emulator { get; } = emulator;

    /// <summary>The console.</summary>
    protected SerialConsole Console => Emulator.Console;

    /// <summary>The shell's prompt (a regular expression).</summary>
    public abstract string Prompt { get; }

    /// <summary>What the console shows, at the end of its text, when the system is up and waits for a user (a regular expression).</summary>
    public abstract string Greeting { get; }

    /// <summary>What the console shows once in each boot, before the greeting, if the greeting alone does not tell a boot.</summary>
    protected virtual string? BootMark => null;

    /// <summary>How to use a guest of a kind.</summary>
    public static Guest Create(GuestKind kind, Emulator emulator) => kind switch
    {
        GuestKind.Small => new SmallGuest(emulator),
        GuestKind.Debian => new DebianGuest(emulator),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Waits until the system is up; returns when it showed its greeting.</summary>
    public TimeSpan WaitUntilUp(TimeSpan timeout, CancellationToken cancel = default)
    {
        if (BootMark is not null)
            Console.Expect(BootMark, timeout, cancel);
        return Console.Expect(Greeting, timeout, cancel).Time;
    }

    /// <summary>Logs in after the greeting has been shown.</summary>
    public void LogIn(TimeSpan timeout, CancellationToken cancel = default)
    {
        // Keys that were typed to see whether the system answers must not get into the log-in.
        for (TimeSpan end = Emulator.Clock.Elapsed + LongestWait; Emulator.Clock.Elapsed < end && Emulator.Clock.Elapsed - Console.LastActivity < Quiet;)
            Thread.Sleep(20);
        GetShell(timeout, cancel);
        // Kernel messages would get into the commands' output.
        Run("dmesg -n 1", timeout, cancel);
    }

    /// <summary>
    /// What a command with this number shows, as a regular expression: its output (group 1) and its status (group 2). The output may quote a log, whose lines begin with a bar, with the end of
    /// another command, or with that of the same one in a copy of the system.
    /// </summary>
    public static string CommandPattern(int number) => $@"BEGIN\n([\s\S]*?)(?<!\| )END{number}=(\d+)\n";

    /// <summary>Runs a shell command and returns its exit status and output.</summary>
    public CommandResult TryRun(string command, TimeSpan timeout, CancellationToken cancel = default)
    {
        Console.Skip();
        int number = ++commands;
        Console.Send($"echo BE\"\"GIN; {command}; echo EN\"\"D{number}=$?\n");
        (Match match, _) = Console.Expect(CommandPattern(number), timeout, cancel);
        Console.Expect(Prompt, TimeSpan.FromSeconds(30), cancel);
        return new CommandResult(int.Parse(match.Groups[2].ValueSpan), match.Groups[1].Value.TrimEnd());
    }

    /// <summary>Runs a shell command that must succeed and returns its output.</summary>
    public string Run(string command, TimeSpan timeout, CancellationToken cancel = default)
    {
        CommandResult result = TryRun(command, timeout, cancel);
        return result.Status == 0 ? result.Output : throw new BenchException($"In the guest, '{command}' ended with status {result.Status}:\n{result.Output}");
    }

    /// <summary>Starts a command without waiting for its end.</summary>
    public void Begin(string command)
    {
        Console.Skip();
        Console.Send(command + "\n");
    }

    /// <summary>Turns the heartbeat on and waits for its first beat.</summary>
    public void StartHeartbeat(TimeSpan timeout, CancellationToken cancel = default)
    {
        int before = Console.Heartbeats.Length;
        Run(HeartbeatCommand, timeout, cancel);
        WaitForHeartbeat(before, timeout, cancel);
    }

    /// <summary>Waits until there have been more than <paramref name="count"/> heartbeats.</summary>
    public void WaitForHeartbeat(int count, TimeSpan timeout, CancellationToken cancel = default)
    {
        TimeSpan end = Emulator.Clock.Elapsed + timeout;
        while (Console.Heartbeats.Length <= count)
        {
            if (Emulator.Clock.Elapsed > end || Emulator.HasExited)
                throw Console.Failure("The guest's heartbeat does not begin.");
            cancel.ThrowIfCancellationRequested();
            Thread.Sleep(20);
        }
    }

    /// <summary>The command that turns the heartbeat on.</summary>
    protected abstract string HeartbeatCommand { get; }

    /// <summary>Installs the newer kernel from the disk and makes it the default.</summary>
    public abstract void InstallKernel(string version, TimeSpan timeout, CancellationToken cancel = default);

    /// <summary>The command for an ordinary reboot.</summary>
    public abstract string RebootCommand { get; }

    /// <summary>What the console shows, in this order, while the system shuts down to reboot (regular expressions).</summary>
    public abstract IReadOnlyList<string> ShutdownMarks { get; }

    /// <summary>The identifier of the running boot.</summary>
    public string BootId(TimeSpan timeout, CancellationToken cancel = default) => Run("cat /proc/sys/kernel/random/boot_id", timeout, cancel);

    /// <summary>
    /// After a switch: whether what waits for the network at boot has done so in the new system only once it was the machine's, and with success; null if
    /// the guest has nothing of that kind.
    /// </summary>
    public virtual StoryCheck? CheckNetworkWait(TimeSpan timeout, CancellationToken cancel = default) => null;

    /// <summary>What "shadowctl status --json" says.</summary>
    public JsonObject ReadStatus(TimeSpan timeout, CancellationToken cancel = default)
    {
        string output = Run("shadowctl status --json", timeout, cancel);
        try
        {
            if (JsonNode.Parse(output[Math.Max(0, output.IndexOf('{'))..]) is JsonObject status)
                return status;
        }
        catch (JsonException)
        {
        }
        throw new BenchException($"'shadowctl status --json' wrote something that is not JSON:\n{output}");
    }

    /// <summary>Waits until Hv is ready for another shadow: the journal is merged, and files have been carried over. The status then.</summary>
    public JsonObject WaitUntilIdle(TimeSpan timeout, CancellationToken cancel = default)
    {
        TimeSpan end = Emulator.Clock.Elapsed + timeout;
        while (true)
        {
            JsonObject status = ReadStatus(timeout, cancel);
            if ((string?)status["phase"] == "idle" && (string?)status["last_view"] == "none")
                return status;
            if (Emulator.Clock.Elapsed > end)
                throw Console.Failure($"Hv is still '{status["phase"]}', its last view '{status["last_view"]}', long after the switch.");
            Run("sleep 1", timeout, cancel);
        }
    }

    /// <summary>Switches to the shadow, which must be ready, and logs in there.</summary>
    public void SwitchToShadow(TimeSpan timeout, CancellationToken cancel = default)
    {
        string before = BootId(timeout, cancel);
        Begin("shadowctl switch");
        for (TimeSpan end = Emulator.Clock.Elapsed + timeout; Emulator.Clock.Elapsed < end && !Emulator.HasExited;)
        {
            // The shell of the new system shows its prompt when it is asked to.
            Thread.Sleep(KeyInterval);
            Console.Send("\n");
            if (!Console.TryExpect(Prompt, TimeSpan.FromSeconds(1), out _, out _, cancel))
                continue;
            LogIn(timeout, cancel);
            if (BootId(timeout, cancel) == before)
                throw Console.Failure("'shadowctl switch' ended, but the system was not switched.");
            return;
        }
        throw Console.Failure("The switched system does not answer.");
    }

    /// <summary>Gets from the greeting to a shell's prompt.</summary>
    protected abstract void GetShell(TimeSpan timeout, CancellationToken cancel);
}
