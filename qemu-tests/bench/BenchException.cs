namespace Hv.Bench;

/// <summary>A failure that the user can understand: its message is printed as it is, without a stack trace.</summary>
public sealed class BenchException(string message) : Exception(message);
