using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "network".</summary>
internal static class NetworkCommand
{
    public static Command Create()
    {
        Option<string> bench = new("--bench") { Description = "the machine", DefaultValueFactory = _ => BenchKinds.Names[0] };
        bench.AcceptOnlyFromAmong(BenchKinds.Names);
        Option<int> rounds = new("--rounds") { Description = "how often to switch without a lease to remember and with one", DefaultValueFactory = _ => 1 };
        Option<FileInfo?> efi = new("--efi") { Description = "Hv's image (default: what the build made)" };
        Option<string?> json = new("--json") { Description = "write the figures to this file, too" };
        Command command = new("network", "Measures how long after a switch the small guest answers over the network, with a new lease and with a remembered one.") { bench, rounds, efi, json };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            NetworkBench network = new(BenchKinds.Parse(parsed.GetValue(bench)!), parsed.GetValue(rounds), parsed.GetValue(efi)?.FullName ?? Paths.Efi, new StepDisplay());
            network.Run(cancel);
            string text = network.ToJson().ToString();
            Console.WriteLine(text);
            if (parsed.GetValue(json) is { } path)
                File.WriteAllText(path, text + "\n");
            return network.Runs.All(run => run.Passed) ? 0 : 1;
        }, cancel));
        return command;
    }
}
