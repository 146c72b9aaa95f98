using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace Hv.Bench;

/// <summary>Adds up the result files of several test projects.</summary>
public sealed class TestReport
{
    private static readonly XNamespace Trx = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

    private readonly JsonArray projects = [];
    private readonly List<string> failures = [];

    /// <summary>Tests that passed.</summary>
    public int Passed { get; private set; }

    /// <summary>Tests that failed; a project whose tests did not run to their end counts as one more.</summary>
    public int Failed { get; private set; }

    /// <summary>Tests that were skipped.</summary>
    public int Skipped { get; private set; }

    /// <summary>The names of the tests that failed, with the first line of why.</summary>
    public IReadOnlyList<string> Failures => failures;

    /// <summary>Adds a project's result file (trx).</summary>
    /// <param name="name">The project's name.</param>
    /// <param name="file">Its result file, which is missing if the run broke down.</param>
    public void Add(string name, string file)
    {
        if (!File.Exists(file))
        {
            Failed++;
            failures.Add($"{name}: the tests did not run to their end");
            projects.Add(new JsonObject { ["name"] = name, ["completed"] = false });
            return;
        }
        JsonArray tests = [];
        foreach (XElement result in XDocument.Load(file).Descendants(Trx + "UnitTestResult"))
        {
            string test = (string)result.Attribute("testName")!, outcome = (string)result.Attribute("outcome")!;
            string? message = (string?)result.Descendants(Trx + "Message").FirstOrDefault();
            if (outcome == "Passed")
                Passed++;
            else if (outcome == "NotExecuted")
                Skipped++;
            else
            {
                Failed++;
                failures.Add($"{test}: {message?.Trim().Split('\n')[0]}");
            }
            TimeSpan duration = TimeSpan.TryParse((string?)result.Attribute("duration"), CultureInfo.InvariantCulture, out TimeSpan value) ? value : TimeSpan.Zero;
            tests.Add(new JsonObject { ["name"] = test, ["outcome"] = outcome.ToLowerInvariant(), ["seconds"] = Math.Round(duration.TotalSeconds, 3), ["message"] = message?.Trim() });
        }
        projects.Add(new JsonObject { ["name"] = name, ["completed"] = true, ["tests"] = tests });
    }

    /// <summary>The sum, as the last line of ./test shows it.</summary>
    public override string ToString() => $"{Passed} passed, {Failed} failed, {Skipped} skipped";

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson(double seconds) => new()
    {
        ["passed"] = Passed,
        ["failed"] = Failed,
        ["skipped"] = Skipped,
        ["seconds"] = Math.Round(seconds, 1),
        ["projects"] = projects.DeepClone(),
    };
}
