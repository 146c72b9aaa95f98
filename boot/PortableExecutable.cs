using System;
using System.Buffers.Binary;
using Hv.Kernel;

namespace Hv.Boot;

/// <summary>
/// Reads a loaded PE32+ image (Microsoft PE/COFF specification) and moves it: base relocations of type DIR64 are applied to a
/// copy that will run at another address. All offsets come from the image and are checked against its size.
/// </summary>
public static class PortableExecutable
{
    private const int PeOffsetField = 0x3C;
    private const uint PeSignature = 0x0000_4550;
    private const ushort Pe32Plus = 0x20B;
    private const int SignatureBytes = 4, FileHeaderBytes = 20, SectionHeaderBytes = 40;
    private const int SizeOfImageField = 56, DirectoriesField = 112, RelocationDirectory = 5, DirectoryEntryBytes = 8;
    private const int BlockHeaderBytes = 8;
    private const int AbsoluteRelocation = 0, Dir64Relocation = 10;

    /// <summary>IMAGE_SCN_MEM_EXECUTE, IMAGE_SCN_MEM_WRITE.</summary>
    public const uint SectionExecutable = 0x2000_0000, SectionWritable = 0x8000_0000;

    /// <summary>One section of a loaded image, in bytes from its base.</summary>
    public struct Section
    {
        /// <summary>First eight bytes of the name.</summary>
        public ulong Name;
        /// <summary>Offset from the image base.</summary>
        public uint Offset;
        /// <summary>Bytes in memory.</summary>
        public uint Bytes;
        /// <summary>IMAGE_SCN_ flags.</summary>
        public uint Characteristics;
    }

    /// <summary>SizeOfImage, in bytes; <see cref="Status.Malformed"/> if this is no PE32+ image.</summary>
    public static Result<uint> SizeOfImage(ReadOnlySpan<byte> image)
    {
        Result<int> optional = OptionalHeader(image);
        if (!optional.IsOk)
            return optional.Status;
        return BinaryPrimitives.ReadUInt32LittleEndian(image.Slice(optional.Value + SizeOfImageField));
    }

    /// <summary>How many sections there are.</summary>
    public static Result<int> SectionCount(ReadOnlySpan<byte> image)
    {
        Result<int> optional = OptionalHeader(image);
        if (!optional.IsOk)
            return optional.Status;
        return (int)BinaryPrimitives.ReadUInt16LittleEndian(image.Slice(optional.Value - FileHeaderBytes + 2));
    }

    /// <summary>Section <paramref name="index"/>; <see cref="Status.Malformed"/> if it does not lie within the image.</summary>
    public static Result<Section> SectionAt(ReadOnlySpan<byte> image, int index)
    {
        Result<int> optional = OptionalHeader(image);
        if (!optional.IsOk)
            return optional.Status;
        int optionalBytes = BinaryPrimitives.ReadUInt16LittleEndian(image.Slice(optional.Value - FileHeaderBytes + 16));
        long header = (long)optional.Value + optionalBytes + (long)index * SectionHeaderBytes;
        if (index < 0 || header + SectionHeaderBytes > image.Length)
            return Status.Malformed;
        ReadOnlySpan<byte> bytes = image.Slice((int)header, SectionHeaderBytes);
        Section section = default;
        section.Name = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        section.Bytes = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(8));
        section.Offset = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(12));
        section.Characteristics = BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice(36));
        if ((ulong)section.Offset + section.Bytes > (ulong)image.Length)
            return Status.Malformed;
        return section;
    }

    /// <summary>
    /// Adds <paramref name="delta"/> to every address in <paramref name="image"/> that depends on where it runs.
    /// <see cref="Status.Malformed"/> if the relocations do not lie within the image; parts may have been changed then.
    /// </summary>
    public static Status Relocate(Span<byte> image, ulong delta)
    {
        Result<int> optional = OptionalHeader(image);
        if (!optional.IsOk)
            return optional.Status;
        int directory = optional.Value + DirectoriesField + RelocationDirectory * DirectoryEntryBytes;
        if (directory + DirectoryEntryBytes > image.Length)
            return Status.Malformed;
        uint start = BinaryPrimitives.ReadUInt32LittleEndian(image.Slice(directory));
        uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(image.Slice(directory + 4));
        if ((ulong)start + bytes > (ulong)image.Length)
            return Status.Malformed;
        ReadOnlySpan<byte> blocks = image.Slice((int)start, (int)bytes);
        while (blocks.Length >= BlockHeaderBytes)
        {
            uint page = BinaryPrimitives.ReadUInt32LittleEndian(blocks);
            uint blockBytes = BinaryPrimitives.ReadUInt32LittleEndian(blocks.Slice(4));
            if (blockBytes < BlockHeaderBytes || blockBytes > (uint)blocks.Length)
                return Status.Malformed;
            for (int i = BlockHeaderBytes; i + 2 <= (int)blockBytes; i += 2)
            {
                ushort entry = BinaryPrimitives.ReadUInt16LittleEndian(blocks.Slice(i));
                int type = entry >> 12;
                if (type == AbsoluteRelocation)
                    continue;
                ulong at = (ulong)page + (entry & 0xFFFu);
                if (type != Dir64Relocation || at + sizeof(ulong) > (ulong)image.Length)
                    return Status.Malformed;
                Span<byte> place = image.Slice((int)at, sizeof(ulong));
                BinaryPrimitives.WriteUInt64LittleEndian(place, BinaryPrimitives.ReadUInt64LittleEndian(place) + delta);
            }
            blocks = blocks.Slice((int)blockBytes);
        }
        return Status.Ok;
    }

    private static Result<int> OptionalHeader(ReadOnlySpan<byte> image)
    {
        if (image.Length < PeOffsetField + 4)
            return Status.Malformed;
        uint pe = BinaryPrimitives.ReadUInt32LittleEndian(image.Slice(PeOffsetField));
        const int need = SignatureBytes + FileHeaderBytes + DirectoriesField + (RelocationDirectory + 1) * DirectoryEntryBytes;
        if (pe > (uint)image.Length || (uint)image.Length - pe < need)
            return Status.Malformed;
        int optional = (int)pe + SignatureBytes + FileHeaderBytes;
        if (BinaryPrimitives.ReadUInt32LittleEndian(image.Slice((int)pe)) != PeSignature ||
            BinaryPrimitives.ReadUInt16LittleEndian(image.Slice(optional)) != Pe32Plus)
            return Status.Malformed;
        return optional;
    }
}
