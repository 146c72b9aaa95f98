using System.CommandLine;

namespace Hv.Bench;

/// <summary>The command "test-report", which ./test ends with.</summary>
internal static class TestReportCommand
{
    public static Command Create()
    {
        Argument<string[]> files = new("results") { Description = "NAME=FILE.trx of each test project" };
        Option<string?> json = new("--json") { Description = "write the results to this file, too" };
        Option<double> seconds = new("--seconds") { Description = "how long everything took" };
        Command command = new("test-report", "Adds up the results of the test projects.") { files, json, seconds };
        command.SetAction(result =>
        {
            TestReport report = new();
            foreach (string[] pair in result.GetValue(files)!.Select(file => file.Split('=', 2)))
                report.Add(pair[0], pair[1]);
            foreach (string failure in report.Failures)
                Console.WriteLine($"FAILED {failure}");
            if (result.GetValue(json) is { } path)
                File.WriteAllText(path, report.ToJson(result.GetValue(seconds)).ToString() + "\n");
            Console.WriteLine(report);
            return report.Failed == 0 ? 0 : 1;
        });
        return command;
    }
}
