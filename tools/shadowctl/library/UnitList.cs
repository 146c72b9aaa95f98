using System;
using System.Collections.Generic;
using System.Linq;

namespace Hv.ShadowControl;

/// <summary>Lists of systemd units as systemctl writes them, with the options <c>--plain --no-legend --full</c>.</summary>
public static class UnitList
{
    private const string Running = "running";

    // A job's line: number, unit, type, state.
    private const int JobUnit = 1, JobState = 3;

    /// <summary>The units in the first column of what <c>systemctl list-units</c> writes.</summary>
    public static IReadOnlyList<string> ParseListing(string listing) => [.. Lines(listing).Select(fields => fields[0])];

    /// <summary>The units of the jobs that run, in what <c>systemctl list-jobs</c> writes; not of those that wait for others.</summary>
    public static IReadOnlyList<string> ParseJobs(string listing) =>
        [.. Lines(listing).Where(fields => fields.Length > JobState && fields[JobState] == Running).Select(fields => fields[JobUnit])];

    private static IEnumerable<string[]> Lines(string listing) =>
        listing.Split('\n').Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)).Where(fields => fields.Length != 0);
}
