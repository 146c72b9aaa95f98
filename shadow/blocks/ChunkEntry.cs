using Hv.Kernel;

namespace Hv.Shadow.Blocks;

/// <summary>What the map knows of one chunk: a page-aligned pointer with the <see cref="ChunkKind"/> in its low bits.</summary>
internal readonly unsafe struct ChunkEntry
{
    private const ulong KindMask = 3;

    private readonly ulong _value;

    /// <summary>An entry of <paramref name="kind"/> with its page; null for <see cref="ChunkKind.Zero"/>.</summary>
    public ChunkEntry(ChunkKind kind, byte* page) => _value = (ulong)page | (ulong)kind;

    public ChunkKind Kind => (ChunkKind)(_value & KindMask);

    /// <summary>Whether the contents are elsewhere than on the disk.</summary>
    public bool IsMapped => _value != 0;

    /// <summary>Whether there is a page.</summary>
    public bool HasPage => Kind is ChunkKind.Preserved or ChunkKind.Overlay;

    public byte* Page => (byte*)(_value & ~(ulong)(PageSize.Small - 1));
}
