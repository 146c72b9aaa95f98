using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>Boots the small guest under Hv again and again, each time on a fresh machine, until one boot is not as it must be.</summary>
public sealed class BootsRun(BenchKind bench, int processors, TimeSpan limit, string efi, StepDisplay display)
{
    private const string Online = "/sys/devices/system/cpu/online";

    private readonly List<BootFigures> boots = [];
    private int wanted;

    /// <summary>The boots that were as they must be.</summary>
    public IReadOnlyList<BootFigures> Boots => boots;

    /// <summary>The guest's kernel.</summary>
    public string? Kernel { get; private set; }

    /// <summary>What was wrong with the last boot, and what console and trace showed last; null if there was none.</summary>
    public string? Failure { get; private set; }

    /// <summary>True if all boots were as they must be.</summary>
    public bool Passed => Failure is null && boots.Count == wanted;

    /// <summary>Boots so many times, or until one fails. It does not throw for that: see <see cref="Failure"/>.</summary>
    public void Run(int times, CancellationToken cancel)
    {
        wanted = times;
        string run = Paths.NewRun($"boots-{bench.Name()}");
        try
        {
            while (boots.Count < times)
                boots.Add(display.Run($"Boot {boots.Count + 1} of {times}", () => Boot(Path.Combine(run, $"{boots.Count + 1}"), cancel)));
        }
        catch (BenchException e)
        {
            Failure = e.Message;
        }
        catch (OperationCanceledException)
        {
            Failure = "interrupted";
        }
    }

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["bench"] = bench.Name(),
        ["guest"] = "small",
        ["processors"] = processors,
        ["kernel"] = Kernel,
        ["limit_seconds"] = limit.TotalSeconds,
        ["times"] = wanted,
        ["boots"] = new JsonArray([.. boots.Select(boot => boot.ToJson())]),
        ["shortest_seconds"] = boots.Count == 0 ? null : Math.Round(boots.Min(boot => boot.Up).TotalSeconds, 2),
        ["longest_seconds"] = boots.Count == 0 ? null : Math.Round(boots.Max(boot => boot.Up).TotalSeconds, 2),
        ["failure"] = Failure,
        ["passed"] = Passed,
    };

    private BootFigures Boot(string folder, CancellationToken cancel)
    {
        using FreshBoot boot = new(bench, processors, folder, efi, progress: line => display.Detail = line);
        BootFigures figures;
        try
        {
            TimeSpan up = boot.Start(limit, line => display.Detail = line.Text, cancel);
            figures = Look(boot, up, cancel);
            boot.Check();
        }
        catch (BenchException e)
        {
            throw boot.Emulator.Explain(e);
        }
        boot.Discard();
        return figures;
    }

    private BootFigures Look(FreshBoot boot, TimeSpan up, CancellationToken cancel)
    {
        Guest guest = boot.Guest;
        Kernel = guest.Run("uname -r", boot.CommandTime, cancel);
        int used = int.Parse(guest.Run("nproc", boot.CommandTime, cancel), CultureInfo.InvariantCulture);
        string online = guest.Run($"cat {Online}", boot.CommandTime, cancel), all = processors == 1 ? "0" : $"0-{processors - 1}";
        if (used != processors || online != all)
            throw boot.Emulator.Console.Failure($"The guest uses {used} processors ({Online}: {online}); the machine has {processors}.");
        string[] log = KernelLogText.Read(boot, cancel);
        string[] complaints = [.. log.Where(line => Regex.IsMatch(line, KernelComplaints.Pattern))];
        if (complaints.Length > 0)
            throw boot.Emulator.Console.Failure($"The kernel complains:\n{string.Join('\n', complaints)}\n");
        // Only Hv answers; its counts are those of the boot and of a few commands.
        long exits = guest.ReadStatus(boot.CommandTime, cancel)["exits"]?["primary"]?.AsObject().Sum(reason => (long?)reason.Value) ?? 0;
        return new BootFigures(up, used, log.Length, complaints, exits);
    }
}
