using System;
using System.Collections.Generic;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>Lists of systemd units, as the configuration and systemctl write them.</summary>
public static class UnitList
{
    private const string Key = "failed-units";

    /// <summary>The units after "failed-units =" in the text of the configuration file, separated by blanks or commas; empty without it.</summary>
    public static IReadOnlyList<string> Parse(string configuration)
    {
        var units = new List<string>();
        foreach (string line in configuration.Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && line[..equals].Trim() == Key)
                units.AddRange(line[(equals + 1)..].Split('#')[0].Split([' ', '\t', '\r', ','], StringSplitOptions.RemoveEmptyEntries));
        }
        return units;
    }

    /// <summary>The units in the first column of what <c>systemctl list-units --plain --no-legend</c> writes.</summary>
    public static IReadOnlyList<string> ParseListing(string listing) =>
        [.. listing.Split('\n').Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).FirstOrDefault("")).Where(unit => unit.Length != 0)];
}
