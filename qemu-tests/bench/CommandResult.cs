namespace Hv.Bench;

/// <summary>How a command in the guest ended.</summary>
/// <param name="Status">Its exit status.</param>
/// <param name="Output">What it wrote.</param>
public readonly record struct CommandResult(int Status, string Output);
