using System.Text.Json.Nodes;
using Hv.Bench;

namespace Hv.EmulatorTests;

/// <summary>A small guest that runs under Hv, shared by the tests of a class.</summary>
public abstract class MachineFixture : IDisposable
{
    private readonly Emulator emulator;

    protected MachineFixture(BenchKind bench)
    {
        Patience = new StoryOptions { Bench = bench }.Patience;
        emulator = Machine.Start(bench, "tests", GuestKind.Small);
        try
        {
            Guest = Guest.Create(GuestKind.Small, emulator);
            Guest.WaitUntilUp(TimeSpan.FromMinutes(3) * Patience);
            Guest.LogIn(CommandTime);
        }
        catch
        {
            emulator.Dispose();
            throw;
        }
    }

    /// <summary>How much longer than on QEMU things may take.</summary>
    public double Patience { get; }

    /// <summary>How long an ordinary command may take.</summary>
    public TimeSpan CommandTime => TimeSpan.FromSeconds(60) * Patience;

    /// <summary>The guest.</summary>
    public Guest Guest { get; }

    /// <summary>Runs a command that must succeed and returns its output.</summary>
    public string Run(string command) => Guest.Run(command, CommandTime);

    /// <summary>Runs a command and returns its exit status and output.</summary>
    public CommandResult TryRun(string command) => Guest.TryRun(command, CommandTime);

    /// <summary>What `shadowctl status --json` says.</summary>
    public JsonNode Status() => JsonNode.Parse(Run("shadowctl status --json"))!;

    public void Dispose()
    {
        emulator.Dispose();
        GC.SuppressFinalize(this);
    }
}
