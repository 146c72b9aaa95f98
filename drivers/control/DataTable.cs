using System;
using System.Buffers.Binary;

namespace Hv.Drivers.Control;

/// <summary>
/// The data of <see cref="ControlOpcode.SetData"/>, little-endian: flags (4 bytes), the number of ranges (4 bytes), 8 bytes 0; then for each range
/// its first sector (8 bytes) and its number of sectors (8 bytes). The same in Hv and in the guest's agent.
/// </summary>
public static class DataTable
{
    /// <summary>Bytes before the ranges.</summary>
    public const int HeaderBytes = 16;
    /// <summary>Bytes of a range.</summary>
    public const int RangeBytes = 16;
    /// <summary>How many ranges there may be.</summary>
    public const int MaxRanges = 64;
    /// <summary>Flag: at the switch, keep the primary's last view of the disk for the promoted system, until it is released.</summary>
    public const uint KeepLastView = 1;
    /// <summary>All flags that have a meaning.</summary>
    public const uint DefinedFlags = KeepLastView;
    /// <summary>The namespace that is the last view.</summary>
    public const uint LastViewNamespace = 2;
    /// <summary>Ranges begin and end at multiples of this many bytes.</summary>
    public const uint Alignment = 4096;

    /// <summary>Bytes of a table with so many ranges.</summary>
    public static int BytesFor(int ranges) => HeaderBytes + ranges * RangeBytes;

    /// <summary>Writes the header.</summary>
    public static void WriteHeader(Span<byte> table, uint flags, int ranges)
    {
        table.Slice(0, HeaderBytes).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(table, flags);
        BinaryPrimitives.WriteUInt32LittleEndian(table.Slice(4), (uint)ranges);
    }

    /// <summary>Reads the header of a table of <paramref name="length"/> bytes; false if it is not well-formed.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> header, uint length, out uint flags, out int ranges)
    {
        flags = BinaryPrimitives.ReadUInt32LittleEndian(header);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(header.Slice(4));
        ulong reserved = BinaryPrimitives.ReadUInt64LittleEndian(header.Slice(8));
        ranges = (int)(count & 0xFF);
        return (flags & ~DefinedFlags) == 0 && reserved == 0 && count <= MaxRanges && length == (uint)BytesFor(ranges);
    }

    /// <summary>Writes one range, <see cref="RangeBytes"/> bytes.</summary>
    public static void WriteRange(Span<byte> to, ulong first, ulong sectors)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, first);
        BinaryPrimitives.WriteUInt64LittleEndian(to.Slice(8), sectors);
    }

    /// <summary>Reads one range; whether it makes sense is for the disk to say.</summary>
    public static void ReadRange(ReadOnlySpan<byte> from, out ulong first, out ulong sectors)
    {
        first = BinaryPrimitives.ReadUInt64LittleEndian(from);
        sectors = BinaryPrimitives.ReadUInt64LittleEndian(from.Slice(8));
    }
}
