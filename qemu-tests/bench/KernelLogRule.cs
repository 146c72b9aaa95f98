using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Hv.Bench;

/// <summary>Something in a kernel's log that differs from one boot of the same machine to the next, with Hv and without.</summary>
public sealed class KernelLogRule([StringSyntax("Regex")] string pattern, string? replacement, string why)
{
    /// <summary>What is found in a line without its time stamp.</summary>
    public Regex Regex { get; } = new(pattern, RegexOptions.CultureInvariant);

    /// <summary>What is put in its place; null: the whole line is left out.</summary>
    public string? Replacement => replacement;

    /// <summary>What it is, and why it differs.</summary>
    public string Why => why;
}
