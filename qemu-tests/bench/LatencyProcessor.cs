using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>What the guest's program "latency" has measured on one processor.</summary>
/// <param name="Number">The processor.</param>
/// <param name="Idle">How late it woke up when it had nothing else to do.</param>
/// <param name="Busy">How late it woke up when it computed besides.</param>
/// <param name="Loop">How long one piece of computing took.</param>
public sealed record LatencyProcessor(int Number, LatencyFigures Idle, LatencyFigures Busy, LatencyFigures Loop)
{
    /// <summary>Takes what the program has printed.</summary>
    public static LatencyProcessor Parse(JsonNode node) =>
        new((int)node["cpu"]!, LatencyFigures.Parse(node["idle"]!), LatencyFigures.Parse(node["busy"]!), LatencyFigures.Parse(node["loop"]!));

    /// <summary>The part of the processor that computing has lost since <paramref name="before"/>, in percent.</summary>
    public double LostPercent(LatencyProcessor before) => 100 * (1 - before.Loop.Mean / Loop.Mean);

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["processor"] = Number,
        ["wake_up_idle"] = Idle.ToJson(),
        ["wake_up_busy"] = Busy.ToJson(),
        ["loop"] = Loop.ToJson(),
    };
}
