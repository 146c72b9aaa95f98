using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "power-loss".</summary>
internal static class PowerLossCommand
{
    public static Command Create()
    {
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<int> points = new("--points") { Description = "at about how many points the power fails; each step in Hv's trace is one", DefaultValueFactory = _ => 40 };
        Option<int> boots = new("--boots") { Description = "how many of them are started under Hv again, not only checked (at most 2)", DefaultValueFactory = _ => 2 };
        Option<string?> json = new("--json") { Description = "write the points to this file, too" };
        Command command = new("power-loss", "Lets the power fail at many points of a reboot in the background (small guest), and checks the disk after each.") { bench, points, boots, json };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            IReadOnlyList<PowerLossPoint> result = new PowerLossRun(BenchKinds.Parse(parsed.GetValue(bench)!), Paths.Efi, parsed.GetValue(points), new StepDisplay()).Run(parsed.GetValue(boots), cancel);
            foreach (PowerLossPoint point in result)
                Console.WriteLine($"{(point.Problem is null ? "ok " : "BAD")} {point.Recovery,-10} {point.Step}{(point.Problem is null ? "" : $": {point.Problem} ({point.Image})")}");
            Console.WriteLine($"{result.Count} points, {result.Count(point => point.Problem is not null)} bad");
            if (parsed.GetValue(json) is { } path)
                File.WriteAllText(path, PowerLossRun.ToJson(result) + "\n");
            return result.All(point => point.Problem is null) ? 0 : 1;
        }, cancel));
        return command;
    }
}
