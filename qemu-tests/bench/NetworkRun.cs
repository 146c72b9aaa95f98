using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>One switch, seen from the network.</summary>
/// <param name="IsRemembered">Whether the new system had a lease to remember.</param>
/// <param name="Downtime">What was seen from outside.</param>
/// <param name="Moments">What the new system did.</param>
public sealed record NetworkRun(bool IsRemembered, Downtime Downtime, NetworkMoments Moments)
{
    /// <summary>Whether the network came back as it should.</summary>
    public bool Passed => Downtime.Network is not null && Moments.Remembered is not null == IsRemembered;

    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson()
    {
        JsonObject json = new()
        {
            ["lease"] = IsRemembered ? "remembered" : "cold",
            ["first_answer_seconds"] = Downtime.OnNetwork is { } time ? Math.Round(time.TotalSeconds, 2) : null,
            ["console_seconds"] = Math.Round(Downtime.Console.TotalSeconds, 2),
        };
        json["by_the_guests_clock"] = Moments.ToJson();
        json["passed"] = Passed;
        return json;
    }
}
