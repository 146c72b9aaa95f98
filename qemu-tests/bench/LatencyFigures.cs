using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>How long something took that was done again and again, in microseconds.</summary>
/// <param name="Count">How often.</param>
/// <param name="Mean">The mean.</param>
/// <param name="Median">Half of them took no longer.</param>
/// <param name="High">99 of 100 took no longer.</param>
/// <param name="Longest">The longest one.</param>
public sealed record LatencyFigures(long Count, double Mean, double Median, double High, double Longest)
{
    /// <summary>Takes what the guest's program "latency" has printed.</summary>
    public static LatencyFigures Parse(JsonNode node) =>
        new((long)node["count"]!, (double)node["mean"]!, (double)node["median"]!, (double)node["p99"]!, (double)node["max"]!);

    /// <summary>The figures for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["count"] = Count,
        ["mean_microseconds"] = Mean,
        ["median_microseconds"] = Median,
        ["p99_microseconds"] = High,
        ["max_microseconds"] = Longest,
    };
}
