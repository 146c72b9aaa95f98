namespace Hv.Bench;

/// <summary>A line that only one of two kernel logs has, or has more often.</summary>
/// <param name="IsUnderHv">Whether it is the log of the guest under Hv.</param>
/// <param name="Line">The normalised line.</param>
/// <param name="Count">How often the other log lacks it.</param>
public sealed record KernelLogDifference(bool IsUnderHv, string Line, int Count)
{
    /// <summary>The difference as diff shows it: "- " before what is missing under Hv, "+ " before what is there only under Hv.</summary>
    public override string ToString() => (IsUnderHv ? "+ " : "- ") + Line;
}
