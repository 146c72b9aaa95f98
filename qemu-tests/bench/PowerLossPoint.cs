using Hv.Shadow.Journal;

namespace Hv.Bench;

/// <summary>A moment in which the power might have failed: the disk as it was then, and what was known of the machine.</summary>
/// <param name="Image">The disk's image.</param>
/// <param name="Step">The last line of Hv's trace.</param>
/// <param name="Heartbeats">The heartbeats that had come by then, each sent after its record had been made durable.</param>
/// <param name="Switching">Whether the switch had begun.</param>
/// <param name="Committed">Whether it had been committed.</param>
public sealed record PowerLossPoint(string Image, string Step, IReadOnlyList<Heartbeat> Heartbeats, bool Switching, bool Committed)
{
    /// <summary>What the journal's recovery found; null before the check.</summary>
    public JournalRecovery? Recovery { get; set; }

    /// <summary>What is wrong after it; null if nothing is.</summary>
    public string? Problem { get; set; }
}
