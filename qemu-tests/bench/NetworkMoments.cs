using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>What the small guest's network did after a switch, in seconds of the guest's uptime.</summary>
/// <param name="Promoted">The system had become the machine's.</param>
/// <param name="Card">The card had an interface.</param>
/// <param name="Link">The card had found its link.</param>
/// <param name="Remembered">The address of the last boot's lease was used; null if there was none that held.</param>
/// <param name="Lease">The server had given a lease.</param>
public sealed record NetworkMoments(double Promoted, double Card, double Link, double? Remembered, double Lease)
{
    /// <summary>Waits for the lease and reads the moments.</summary>
    public static NetworkMoments Read(Guest guest, TimeSpan timeout)
    {
        string text = guest.Run("until grep -q lease /run/network && grep -q link /run/network; do usleep 100000; done; echo promoted $(cat /run/promoted); cat /run/network", timeout);
        double Moment(string name) => Find(text, name) ?? throw Missing(text);
        return new NetworkMoments(Moment("promoted"), Moment("card"), Moment("link"), Find(text, "remembered"), Moment("lease"));
    }

    /// <summary>When the guest had its address.</summary>
    public double Address => Remembered ?? Lease;

    /// <summary>The times since the switch, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["card_seconds"] = Math.Round(Card - Promoted, 2),
        ["link_seconds"] = Math.Round(Link - Promoted, 2),
        ["address_seconds"] = Math.Round(Address - Promoted, 2),
        ["lease_seconds"] = Math.Round(Lease - Promoted, 2),
    };

    private static double? Find(string text, string name) =>
        Regex.Match(text, $@"^{name} (\S+)\r?$", RegexOptions.Multiline) is { Success: true } match ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : null;

    private static BenchException Missing(string text) => new($"The guest does not say what its network did:\n{text}");
}
