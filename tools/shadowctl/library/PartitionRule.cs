namespace Hv.ShadowControl;

/// <summary>One line of the configuration about a partition.</summary>
/// <param name="IsData">Whether the partition is data: the primary's writes win. Otherwise it is system.</param>
/// <param name="Match">By what it is named.</param>
/// <param name="Value">The name: a path without a slash at its end, or a UUID in lower case.</param>
/// <param name="Line">The line number, from 1.</param>
public sealed record PartitionRule(bool IsData, PartitionMatch Match, string Value, int Line);
