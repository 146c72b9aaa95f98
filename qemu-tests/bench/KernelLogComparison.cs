using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>
/// Two kernel logs of the same machine, one without Hv and one under it, compared as bags of normalised lines: drivers that look for their devices at the same time write their
/// lines in any order.
/// </summary>
public sealed class KernelLogComparison
{
    private readonly List<(KernelLogExplanation Explanation, List<KernelLogDifference> Differences)> explained = [];
    private readonly List<KernelLogDifference> unexplained = [];

    /// <summary>Compares two logs and looks for the explanation of each difference; the first that fits is the one.</summary>
    public KernelLogComparison(IEnumerable<string> plain, IEnumerable<string> underHv, IReadOnlyList<KernelLogExplanation> explanations)
    {
        string[] before = [.. plain.Select(KernelLogText.Normalize).OfType<string>()], after = [.. underHv.Select(KernelLogText.Normalize).OfType<string>()];
        Differences = [.. Missing(before, after, isUnderHv: false), .. Missing(after, before, isUnderHv: true)];
        ILookup<KernelLogExplanation?, KernelLogDifference> sorted = Differences.ToLookup(difference => explanations.FirstOrDefault(explanation => explanation.Covers(difference)));
        explained.AddRange(explanations.Where(sorted.Contains).Select(explanation => (explanation, sorted[explanation].ToList())));
        unexplained.AddRange(sorted[null]);
        Same = before.Length - Differences.Where(difference => !difference.IsUnderHv).Sum(difference => difference.Count);
    }

    /// <summary>How many lines both logs have.</summary>
    public int Same { get; }

    /// <summary>All differences: first the lines that are missing under Hv, then those that are there only under Hv, in the order of the logs.</summary>
    public IReadOnlyList<KernelLogDifference> Differences { get; }

    /// <summary>The explanations that apply, in the order of their table, each with its differences.</summary>
    public IReadOnlyList<(KernelLogExplanation Explanation, List<KernelLogDifference> Differences)> Explained => explained;

    /// <summary>The differences that no explanation covers.</summary>
    public IReadOnlyList<KernelLogDifference> Unexplained => unexplained;

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["same_lines"] = Same,
        ["explained"] = new JsonArray([.. explained.Select(pair => new JsonObject { ["why"] = pair.Explanation.Why, ["differences"] = ToJson(pair.Differences) })]),
        ["unexplained"] = ToJson(unexplained),
        ["passed"] = unexplained.Count == 0,
    };

    private static JsonArray ToJson(List<KernelLogDifference> differences) => new([.. differences.Select(difference => JsonValue.Create(difference.ToString()))]);

    private static IEnumerable<KernelLogDifference> Missing(string[] lines, string[] others, bool isUnderHv)
    {
        Dictionary<string, int> there = others.GroupBy(line => line).ToDictionary(group => group.Key, group => group.Count());
        return lines.GroupBy(line => line).Select(group => new KernelLogDifference(isUnderHv, group.Key, group.Count() - there.GetValueOrDefault(group.Key)))
            .Where(difference => difference.Count > 0);
    }
}
