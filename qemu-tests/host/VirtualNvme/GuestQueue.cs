namespace Hv.HostTests;

/// <summary>The guest's side of a submission queue and the completion queue that it posts to.</summary>
public sealed class GuestQueue
{
    public required uint SubmissionId { get; init; }
    public required uint CompletionId { get; init; }
    public required uint Size { get; init; }
    public required ulong Submission { get; init; }
    public required ulong Completion { get; init; }
    public uint Tail { get; set; }
    public uint Head { get; set; }
    public bool Phase { get; set; } = true;
}
