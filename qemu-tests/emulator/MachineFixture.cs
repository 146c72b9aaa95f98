using System.Text.Json.Nodes;
using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>A small guest that runs under Hv, shared by the tests of a class.</summary>
public abstract class MachineFixture : IDisposable
{
    private readonly Emulator emulator;
    private string? lost;

    protected MachineFixture(BenchKind bench, int memoryMiB = 0, int processors = 1, string? leftOut = null, bool ownStart = false)
    {
        Patience = bench.Patience(processors);
        Processors = processors;
        emulator = Machine.Start(bench, "tests", GuestKind.Small, processors: processors, memoryMiB: memoryMiB, leftOut: leftOut, ownStart: ownStart);
        Guest = Guest.Create(GuestKind.Small, emulator);
        Machine.Prepare(emulator, emulator, () =>
        {
            Guest.WaitUntilUp(TimeSpan.FromMinutes(3) * Patience);
            Guest.LogIn(CommandTime);
            Guest.Run("modprobe msr", CommandTime);
        });
    }

    /// <summary>How much longer than on QEMU things may take.</summary>
    public double Patience { get; }

    /// <summary>How many processors the machine has.</summary>
    public int Processors { get; }

    /// <summary>How long an ordinary command may take.</summary>
    public TimeSpan CommandTime => TimeSpan.FromSeconds(60) * Patience;

    /// <summary>The guest.</summary>
    public Guest Guest { get; }

    /// <summary>Runs a command that must succeed and returns its output.</summary>
    public string Run(string command) => Run(command, CommandTime);

    /// <summary>Runs a command that must succeed within <paramref name="timeout"/> and returns its output.</summary>
    public string Run(string command, TimeSpan timeout)
    {
        CommandResult result = TryRun(command, timeout);
        return result.Status == 0 ? result.Output : throw new BenchException($"'{command}' ended with status {result.Status}:\n{result.Output}");
    }

    /// <summary>Runs a command and returns its exit status and output.</summary>
    public CommandResult TryRun(string command) => TryRun(command, CommandTime);

    /// <summary>Runs a command and returns its exit status and output. Once a command has not come back, no other one is tried.</summary>
    public CommandResult TryRun(string command, TimeSpan timeout)
    {
        if (lost is not null)
            throw new BenchException($"The machine has not answered since '{lost}'.");
        try
        {
            return Guest.TryRun(command, timeout);
        }
        catch (BenchException e)
        {
            lost = command;
            throw emulator.Explain(e);
        }
    }

    /// <summary>Switches to the shadow, logs in there and waits until another one could be started. The status then.</summary>
    public JsonNode SwitchToShadow()
    {
        const string command = "shadowctl switch";
        const int longer = 3;
        if (lost is not null)
            throw new BenchException($"The machine has not answered since '{lost}'.");
        try
        {
            Guest.SwitchToShadow(CommandTime * longer);
            return Guest.WaitUntilIdle(CommandTime * longer);
        }
        catch (BenchException e)
        {
            lost = command;
            throw emulator.Explain(e);
        }
    }

    /// <summary>What `shadowctl status --json` says.</summary>
    public JsonNode Status()
    {
        // A service that starts late may write to the console, too.
        string output = Run("shadowctl status --json");
        return JsonNode.Parse(output[Math.Max(0, output.IndexOf('{'))..])!;
    }

    public void Dispose()
    {
        emulator.Dispose();
        GC.SuppressFinalize(this);
    }
}
