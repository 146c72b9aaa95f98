using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>One measurement of the primary's latency.</summary>
/// <param name="Share">The shadow's least share in percent; null: there was no shadow.</param>
/// <param name="Processors">What was measured on each processor.</param>
/// <param name="Turns">Where the time went meanwhile; null without a shadow.</param>
/// <param name="Phase">What the shadow was doing at the end; null without one.</param>
public sealed record LatencyRun(int? Share, IReadOnlyList<LatencyProcessor> Processors, TurnSeconds? Turns, string? Phase)
{
    /// <summary>What Hv calls the phase in which a shadow boots.</summary>
    public const string Booting = "booting";

    /// <summary>A name for tables.</summary>
    public string Name => Share is { } percent ? $"{percent} %" : "no shadow";

    /// <summary>Whether it was measured while there was what was to be beside the primary.</summary>
    public bool IsValid => Phase is null or Booting;

    /// <summary>The most that computing has lost on any processor, in percent.</summary>
    public double MostLostPercent(LatencyRun alone) => Processors.Zip(alone.Processors, (now, before) => now.LostPercent(before)).Max();

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson(LatencyRun alone) => new()
    {
        ["share_percent"] = Share,
        ["phase_at_the_end"] = Phase,
        ["computing_lost_percent"] = new JsonArray([.. Processors.Zip(alone.Processors, (now, before) => JsonValue.Create(Math.Round(now.LostPercent(before), 2)))]),
        ["processors"] = new JsonArray([.. Processors.Select(processor => processor.ToJson())]),
        ["turns"] = Turns?.ToJson(),
    };
}
