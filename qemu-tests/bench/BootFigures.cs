using System.Text.Json.Nodes;

namespace Hv.Bench;

/// <summary>What one boot was like.</summary>
/// <param name="Up">When the guest waited for its user, since power-on.</param>
/// <param name="Processors">How many processors the guest uses.</param>
/// <param name="LogLines">How many lines the kernel's log has.</param>
/// <param name="Complaints">The lines of it that match <see cref="KernelComplaints.Pattern"/>.</param>
/// <param name="Exits">How often the guest has exited.</param>
public sealed record BootFigures(TimeSpan Up, int Processors, int LogLines, IReadOnlyList<string> Complaints, long Exits)
{
    /// <summary>Everything, for programs to read.</summary>
    public JsonObject ToJson() => new()
    {
        ["seconds"] = Math.Round(Up.TotalSeconds, 2),
        ["processors"] = Processors,
        ["kernel_log_lines"] = LogLines,
        ["complaints"] = Complaints.Count,
        ["exits"] = Exits,
    };
}
