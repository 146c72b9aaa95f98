namespace Hv.Bench;

/// <summary>Something that the story must have shown.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Passed">Whether it was so.</param>
/// <param name="Detail">What was found.</param>
public sealed record StoryCheck(string Name, bool Passed, string Detail);
