using Hv.Kernel;

namespace Hv.Shadow.Blocks;

/// <summary>
/// What the map knows of one chunk: a page-aligned pointer with the <see cref="ChunkKind"/> in its low bits and whether the journal has the page's
/// present contents and whether it is scratch, and the entry of the journal that was taken for the chunk.
/// </summary>
internal readonly unsafe struct ChunkEntry
{
    private const ulong KindMask = 3, JournaledBit = 4, ScratchBit = 8;

    private readonly ulong _value;
    private readonly ulong _journalEntry;

    /// <summary>An entry of <paramref name="kind"/> with its page; null for <see cref="ChunkKind.Zero"/>. Not journaled.</summary>
    public ChunkEntry(ChunkKind kind, byte* page) => _value = (ulong)page | (ulong)kind;

    private ChunkEntry(ulong value, ulong journalEntry)
    {
        _value = value;
        _journalEntry = journalEntry;
    }

    public ChunkKind Kind => (ChunkKind)(_value & KindMask);

    /// <summary>Whether the contents are elsewhere than on the disk.</summary>
    public bool IsMapped => (_value & ~JournaledBit) != 0;

    /// <summary>Whether there is a page.</summary>
    public bool HasPage => Page != null;

    /// <summary>Whether there was a page, whose contents are only in the journal now.</summary>
    public bool IsSpilled => Kind is ChunkKind.Preserved or ChunkKind.Overlay && Page == null;

    public byte* Page => (byte*)(_value & ~(ulong)(PageSize.Small - 1));

    /// <summary>Whether the journal has what is in the page.</summary>
    public bool IsJournaled => (_value & JournaledBit) != 0;

    /// <summary>Whether it is in a data range: for the shadow's eyes only.</summary>
    public bool IsScratch => (_value & ScratchBit) != 0;

    /// <summary>Whether an entry of the journal was taken.</summary>
    public bool HasJournalEntry => _journalEntry != 0;

    /// <summary>Which one.</summary>
    public uint JournalEntry => (uint)(_journalEntry - 1);

    /// <summary>The same with a journal entry taken.</summary>
    public ChunkEntry With(uint journalEntry) => new(_value, journalEntry + 1ul);

    /// <summary>The same with the journal entry of <paramref name="other"/>, if that has one.</summary>
    public ChunkEntry WithEntryOf(ChunkEntry other) => new(_value, other._journalEntry);

    /// <summary>The same with another page, or with none.</summary>
    public ChunkEntry With(byte* page) => new(_value & (PageSize.Small - 1) | (ulong)page, _journalEntry);

    /// <summary>The same, scratch or not.</summary>
    public ChunkEntry Scratch(bool isScratch) => new(isScratch ? _value | ScratchBit : _value & ~ScratchBit, _journalEntry);

    /// <summary>The same, its page journaled or not.</summary>
    public ChunkEntry Journaled(bool isJournaled) => new(isJournaled ? _value | JournaledBit : _value & ~JournaledBit, _journalEntry);
}
