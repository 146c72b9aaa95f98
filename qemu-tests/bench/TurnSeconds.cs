using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>Where the processors' time has gone while there was a shadow, as Hv has counted it, in seconds of all processors together.</summary>
/// <param name="Primary">The primary ran.</param>
/// <param name="InIdle">The shadow ran while the primary was idle.</param>
/// <param name="ByShare">The shadow ran though the primary was busy.</param>
/// <param name="Waited">Neither had anything to do.</param>
/// <param name="Lost">The primary was idle and the shadow had something to do, but it did not run.</param>
public sealed record TurnSeconds(double Primary, double InIdle, double ByShare, double Waited, double Lost)
{
    /// <summary>Takes the status apart.</summary>
    public static TurnSeconds Parse(JsonObject status)
    {
        JsonNode turns = status["turns"] ?? throw new BenchException("The guest's shadowctl does not say where the processors' time has gone.");
        return new((double)turns["primary_seconds"]!, (double)turns["shadow_in_idle_seconds"]!, (double)turns["shadow_by_share_seconds"]!, (double)turns["waited_seconds"]!,
            (double)turns["lost_seconds"]!);
    }

    /// <summary>The part of the primary's idle time in which the shadow ran, of all that it could have used, in percent.</summary>
    public double IdleUsePercent => InIdle + Lost > 0 ? 100 * InIdle / (InIdle + Lost) : 0;

    /// <summary>The part of the processors' busy time that the shadow got as its share, in percent.</summary>
    public double SharePercent => Primary + ByShare > 0 ? 100 * ByShare / (Primary + ByShare) : 0;

    /// <summary>The time since then.</summary>
    public static TurnSeconds operator -(TurnSeconds now, TurnSeconds then) =>
        new(now.Primary - then.Primary, now.InIdle - then.InIdle, now.ByShare - then.ByShare, now.Waited - then.Waited, now.Lost - then.Lost);

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["primary_seconds"] = Math.Round(Primary, 3),
        ["shadow_in_idle_seconds"] = Math.Round(InIdle, 3),
        ["shadow_by_share_seconds"] = Math.Round(ByShare, 3),
        ["waited_seconds"] = Math.Round(Waited, 3),
        ["lost_seconds"] = Math.Round(Lost, 3),
        ["share_percent"] = Math.Round(SharePercent, 2),
        ["idle_use_percent"] = Math.Round(IdleUsePercent, 2),
    };
}
