using System;
using System.Buffers.Binary;

namespace Hv.ShadowControl;

/// <summary>Finds the UUID of a file system in its first bytes.</summary>
public static class SuperblockReader
{
    /// <summary>How many bytes it looks at.</summary>
    public const int Bytes = 0x11000;

    // Offsets of the magic number and of the identifier on the partition.
    private const int ExtMagic = 0x438, ExtId = 0x468;
    private const int XfsId = 32;
    private const int BtrfsMagic = 0x10040, BtrfsId = 0x10020;
    private const int F2fsMagic = 0x400, F2fsId = 0x46C;
    private const int Fat16Magic = 0x36, Fat16Id = 0x27, Fat32Magic = 0x52, Fat32Id = 0x43;

    /// <summary>The UUID as blkid writes it, in lower case; empty if the file system is not known.</summary>
    public static string FindId(ReadOnlySpan<byte> start)
    {
        if (start.Length < Bytes)
            return "";
        if (BinaryPrimitives.ReadUInt16LittleEndian(start[ExtMagic..]) == 0xEF53)
            return Uuid(start[ExtId..]);
        if (start[..4].SequenceEqual("XFSB"u8))
            return Uuid(start[XfsId..]);
        if (start.Slice(BtrfsMagic, 8).SequenceEqual("_BHRfS_M"u8))
            return Uuid(start[BtrfsId..]);
        if (BinaryPrimitives.ReadUInt32LittleEndian(start[F2fsMagic..]) == 0xF2F52010)
            return Uuid(start[F2fsId..]);
        if (start.Slice(Fat32Magic, 5).SequenceEqual("FAT32"u8))
            return Serial(start[Fat32Id..]);
        return start.Slice(Fat16Magic, 3).SequenceEqual("FAT"u8) ? Serial(start[Fat16Id..]) : "";
    }

    private static string Uuid(ReadOnlySpan<byte> id) => new Guid(id[..16], bigEndian: true).ToString();

    private static string Serial(ReadOnlySpan<byte> id) => $"{id[3]:x2}{id[2]:x2}-{id[1]:x2}{id[0]:x2}";
}
