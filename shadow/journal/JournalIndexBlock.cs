using System;
using System.Runtime.InteropServices;
using Hv.Kernel;

namespace Hv.Shadow.Journal;

/// <summary>One block of the index: 4096 bytes, little-endian.</summary>
[StructLayout(LayoutKind.Explicit, Size = (int)PageSize.Small)]
public unsafe struct JournalIndexBlock
{
    /// <summary>How many entries a block has.</summary>
    public const uint Entries = (PageSize.Small - EntriesOffset) / JournalEntry.Size;
    /// <summary>What <see cref="Magic"/> must be: "HvJrnlIx".</summary>
    public const ulong ExpectedMagic = 0x7849_6C6E_724A_7648;

    private const int EntriesOffset = 32;

    /// <summary><see cref="ExpectedMagic"/>.</summary>
    [FieldOffset(0)] public ulong Magic;
    /// <summary>The generation of the commit record that it belongs to.</summary>
    [FieldOffset(8)] public ulong Generation;
    /// <summary>The block's number in the index.</summary>
    [FieldOffset(16)] public ulong Number;
    /// <summary>The <see cref="JournalChecksum"/> of all other bytes of the block.</summary>
    [FieldOffset(24)] public ulong Checksum;
    /// <summary>The entries.</summary>
    [FieldOffset(EntriesOffset)] public fixed byte Data[(int)(Entries * JournalEntry.Size)];

    /// <summary>The entry <paramref name="index"/> of the block at <paramref name="block"/>, below <see cref="Entries"/>.</summary>
    public static JournalEntry* Entry(byte* block, uint index) => (JournalEntry*)(block + EntriesOffset) + index;

    /// <summary>What <see cref="Checksum"/> of the block at <paramref name="block"/> has to be.</summary>
    public static ulong ChecksumOf(byte* block)
    {
        ulong sum = JournalChecksum.Compute(new ReadOnlySpan<byte>(block, EntriesOffset - sizeof(ulong)));
        return JournalChecksum.Compute(new ReadOnlySpan<byte>(block + EntriesOffset, (int)PageSize.Small - EntriesOffset), sum);
    }

    /// <summary>Whether the block at <paramref name="block"/> is number <paramref name="number"/> of <paramref name="generation"/>, and whole.</summary>
    public static bool IsWhole(byte* block, ulong generation, ulong number)
    {
        var header = (JournalIndexBlock*)block;
        return header->Magic == ExpectedMagic && header->Generation == generation && header->Number == number && header->Checksum == ChecksumOf(block);
    }

    /// <summary>Fills in everything but the entries.</summary>
    public static void Seal(byte* block, ulong generation, ulong number)
    {
        var header = (JournalIndexBlock*)block;
        header->Magic = ExpectedMagic;
        header->Generation = generation;
        header->Number = number;
        header->Checksum = ChecksumOf(block);
    }
}
