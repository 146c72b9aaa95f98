namespace Hv.Bench;

/// <summary>Why the log of a kernel (Linux 6.1) is another one under Hv. What is said here has been found in Hv's sources and the kernel's; where nothing fits, the cause is to be found first.</summary>
public static class KernelLogExplanations
{
    /// <summary>All explanations; of two that cover a difference the first one counts.</summary>
    public static IReadOnlyList<KernelLogExplanation> All { get; } =
    [
    ];
}
