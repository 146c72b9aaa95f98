using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>Why some lines of a kernel's log are others under Hv.</summary>
public sealed class KernelLogExplanation(string why, [StringSyntax("Regex")] params string[] patterns)
{
    private readonly Regex[] regexes = [.. patterns.Select(pattern => new Regex(pattern, RegexOptions.CultureInvariant))];

    /// <summary>The cause, and where in Hv's sources it is.</summary>
    public string Why => why;

    /// <summary>Whether a difference has this cause; the patterns see it as <see cref="KernelLogDifference.ToString"/> writes it.</summary>
    public bool Covers(KernelLogDifference difference) => regexes.Any(regex => regex.IsMatch(difference.ToString()));
}
