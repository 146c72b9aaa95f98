using System.Runtime.InteropServices;

namespace Hv.Shadow.Journal;

/// <summary>One entry of the index: what a part of the disk has to become. Entry n goes with data block n. 24 bytes, little-endian.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct JournalEntry
{
    /// <summary>Bytes.</summary>
    public const int Size = 24;

    /// <summary>The first chunk, counted in 4 KiB from the start of the disk.</summary>
    [FieldOffset(0)] public ulong Chunk;
    /// <summary>What it is.</summary>
    [FieldOffset(8)] public JournalEntryKind Kind;
    /// <summary>How many chunks; 1 for <see cref="JournalEntryKind.Data"/>.</summary>
    [FieldOffset(12)] public uint Count;
    /// <summary>The <see cref="JournalChecksum"/> of the contents; 0 if there are none.</summary>
    [FieldOffset(16)] public ulong Checksum;
}
