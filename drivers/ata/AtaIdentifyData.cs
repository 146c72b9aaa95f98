using System;
using System.Buffers.Binary;
using Hv.Drivers.Block;
using Hv.Kernel;

namespace Hv.Drivers.Ata;

/// <summary>What a disk answers to IDENTIFY DEVICE (ATA/ATAPI Command Set 3, 7.12).</summary>
public sealed class AtaIdentifyData
{
    /// <summary>Size of the answer.</summary>
    public const int Bytes = 512;

    private const int SerialWord = 10;
    private const int FirmwareWord = 23;
    private const int ModelWord = 27;
    private const int CapabilitiesWord = 49;
    private const int SectorCount28Word = 60;
    private const int CommandSets82Word = 82;
    private const int CommandSets83Word = 83;
    private const int CommandSets84Word = 84;
    private const int SectorCount48Word = 100;
    private const int SectorSizeWord = 106;
    private const int LogicalSectorWords = 117;

    private const ushort CapabilityDma = 1 << 8;
    private const ushort CapabilityLba = 1 << 9;
    private const ushort WriteCache = 1 << 5;
    private const ushort Address48 = 1 << 10;
    private const ushort FlushCache = 1 << 12;
    private const ushort FlushCacheExt = 1 << 13;
    private const ushort ForceUnitAccess = 1 << 6;
    private const ushort LongLogicalSector = 1 << 12;
    // Words 83, 84 and 106 count only if bit 14 is one and bit 15 zero.
    private const ushort ValidMask = 3 << 14;
    private const ushort Valid = 1 << 14;

    /// <summary>Bytes in a logical sector.</summary>
    public uint SectorSize { get; private set; }
    /// <summary>Number of logical sectors.</summary>
    public ulong SectorCount { get; private set; }
    /// <summary>48-bit commands are there.</summary>
    public bool Has48 { get; private set; }
    /// <summary>DMA commands are there.</summary>
    public bool HasDma { get; private set; }
    /// <summary>FLUSH CACHE is there.</summary>
    public bool HasFlush { get; private set; }
    /// <summary>FLUSH CACHE EXT is there.</summary>
    public bool HasFlushExt { get; private set; }
    /// <summary>WRITE DMA FUA EXT is there.</summary>
    public bool HasForceUnitAccess { get; private set; }

    /// <summary>
    /// Takes the answer apart, <see cref="Bytes"/> long. <see cref="Status.Unsupported"/>: no logical block addresses, or a sector size other
    /// than 512 and 4096. <see cref="Status.Malformed"/>: no sectors.
    /// </summary>
    public Status Parse(ReadOnlySpan<byte> data, DiskIdentity identity)
    {
        ushort capabilities = Word(data, CapabilitiesWord);
        ushort sets83 = ValidWord(data, CommandSets83Word);
        ushort sectorSize = ValidWord(data, SectorSizeWord);
        HasDma = (capabilities & CapabilityDma) != 0;
        Has48 = (sets83 & Address48) != 0;
        HasFlushExt = Has48 && (sets83 & FlushCacheExt) != 0;
        // Before the bit existed, a write cache implied the command.
        HasFlush = (sets83 & FlushCache) != 0 || (Word(data, CommandSets82Word) & WriteCache) != 0;
        HasForceUnitAccess = Has48 && (ValidWord(data, CommandSets84Word) & ForceUnitAccess) != 0;
        SectorCount = Has48
            ? BinaryPrimitives.ReadUInt64LittleEndian(data.Slice(2 * SectorCount48Word)) & 0xFFFF_FFFF_FFFF
            : BinaryPrimitives.ReadUInt32LittleEndian(data.Slice(2 * SectorCount28Word)) & 0x0FFF_FFFF;
        SectorSize = (sectorSize & LongLogicalSector) != 0
            ? 2 * BinaryPrimitives.ReadUInt32LittleEndian(data.Slice(2 * LogicalSectorWords))
            : 512;
        SetIdentity(data, identity);
        if ((capabilities & CapabilityLba) == 0 || (SectorSize != 512 && SectorSize != 4096))
            return Status.Unsupported;
        return SectorCount == 0 ? Status.Malformed : Status.Ok;
    }

    /// <summary>Texts have their first character in the high byte of a word.</summary>
    private static void SetIdentity(ReadOnlySpan<byte> data, DiskIdentity identity)
    {
        Span<byte> text = stackalloc byte[2 * (ModelWord + 20)];
        for (int index = 0; index < text.Length; index++)
            text[index] = data[index ^ 1];
        identity.Set(text.Slice(2 * ModelWord), text.Slice(2 * SerialWord), text.Slice(2 * FirmwareWord));
    }

    private static ushort Word(ReadOnlySpan<byte> data, int word) => BinaryPrimitives.ReadUInt16LittleEndian(data.Slice(2 * word));

    private static ushort ValidWord(ReadOnlySpan<byte> data, int word)
    {
        ushort value = Word(data, word);
        return (value & ValidMask) == Valid ? value : (ushort)0;
    }
}
