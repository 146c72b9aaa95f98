using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>A PCI device as the guest's device-check reports it.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Id">Vendor and device.</param>
/// <param name="Driver">Its driver; empty if it has none.</param>
/// <param name="Bars">Where its registers are.</param>
/// <param name="Uses">What was done with it.</param>
public sealed partial record DeviceState(string Address, string Id, string Driver, string Bars, IReadOnlyList<DeviceUse> Uses)
{
    /// <summary>All devices of a report.</summary>
    public static IReadOnlyList<DeviceState> Parse(string report) => [.. report.Split('\n').Select(line => Line().Match(line)).Where(match => match.Success).Select(Read)];

    private static DeviceState Read(Match match) => new(
        match.Groups["address"].Value,
        match.Groups["id"].Value,
        match.Groups["driver"].Value,
        match.Groups["bars"].Value,
        [.. match.Groups["uses"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(use => use.Split(':')).Select(part => new DeviceUse(part[0], part[1], part[2], part[^1]))]);

    [GeneratedRegex(@"^DEVICE (?<address>\S+) id=(?<id>\S+) class=\S+ driver=(?<driver>.*?) bars=(?<bars>\S*)(?<uses>.*?)\s*$")]
    private static partial Regex Line();
}
