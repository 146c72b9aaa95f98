namespace Hv.Bench;

/// <summary>What was measured of one reboot.</summary>
/// <param name="Started">When the command was given.</param>
/// <param name="Heartbeats">The old system's heartbeats since then.</param>
/// <param name="ConsoleBack">When the new system's console had shown its greeting and answered a key.</param>
/// <param name="Network">The new system's first answer on the network; null if there was none.</param>
public sealed record Downtime(TimeSpan Started, IReadOnlyList<Heartbeat> Heartbeats, TimeSpan ConsoleBack, NetworkAnswer? Network)
{
    /// <summary>The old system's last sign of life.</summary>
    public TimeSpan LastSign => Heartbeats.Count > 0 ? Heartbeats[^1].Seen : Started;

    /// <summary>How long the old system went on after the command.</summary>
    public TimeSpan Background => LastSign - Started;

    /// <summary>From the last sign of life until the console was back.</summary>
    public TimeSpan Console => ConsoleBack - LastSign;

    /// <summary>From the last sign of life until the network was back.</summary>
    public TimeSpan? OnNetwork => Network is null ? null : Network.Time - LastSign;

    /// <summary>
    /// The longest time between two heartbeats by the guest's clock, in seconds. That one goes on while Hv or a shadow runs; ours also counts what a
    /// busy host or a slow emulator takes.
    /// </summary>
    public double LongestGap => Heartbeats.Zip(Heartbeats.Skip(1), (a, b) => b.Uptime - a.Uptime).DefaultIfEmpty().Max();

    /// <summary>True if no heartbeat is missing.</summary>
    public bool IsComplete => Heartbeats.Zip(Heartbeats.Skip(1), (a, b) => b.Number == a.Number + 1).All(ok => ok);
}
