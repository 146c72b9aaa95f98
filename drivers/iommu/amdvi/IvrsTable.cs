using System;
using System.Buffers.Binary;
using Hv.Kernel;

namespace Hv.Drivers.Iommu.AmdVi;

/// <summary>The ACPI table that describes AMD-Vi units (AMD I/O Virtualization 3.05, 5.2.2).</summary>
public static class IvrsTable
{
    private const int FirstBlock = 48, HeaderBytes = 4, UnitBytes = 24, MemoryBytes = 32;
    private const byte UnitFirst = 0x10, UnitSecond = 0x11, UnitThird = 0x40, MemoryAll = 0x20, MemoryRange = 0x22;
    private const int FlagsOffset = 1, LengthOffset = 2, BaseOffset = 8, SegmentOffset = 16, StartOffset = 16, BytesOffset = 24;

    /// <summary>
    /// Finds all units; one that is described in several ways counts once. <see cref="Status.Malformed"/>: the table contradicts itself.
    /// <see cref="Status.Unsupported"/>: a unit belongs to another PCI segment than 0. <see cref="Status.OutOfMemory"/>: too many. <see cref="Status.NotFound"/>: none.
    /// </summary>
    public static Status Read(ReadOnlySpan<byte> table, RemappingUnits units)
    {
        for (int at = FirstBlock; at < table.Length;)
        {
            if (table.Length - at < HeaderBytes)
                return Status.Malformed;
            byte type = table[at];
            int length = BinaryPrimitives.ReadUInt16LittleEndian(table.Slice(at + LengthOffset));
            if (length < HeaderBytes || length > table.Length - at)
                return Status.Malformed;
            ReadOnlySpan<byte> block = table.Slice(at, length);
            Status status = type switch
            {
                UnitFirst or UnitSecond or UnitThird => ReadUnit(block, units),
                >= MemoryAll and <= MemoryRange => ReadMemory(block, units),
                _ => Status.Ok,
            };
            if (status != Status.Ok)
                return status;
            at += length;
        }
        return units.Count == 0 ? Status.NotFound : Status.Ok;
    }

    private static Status ReadUnit(ReadOnlySpan<byte> block, RemappingUnits units)
    {
        if (block.Length < UnitBytes)
            return Status.Malformed;
        ulong registers = BinaryPrimitives.ReadUInt64LittleEndian(block.Slice(BaseOffset));
        if (registers == 0 || (registers & (AmdViRegister.Bytes - 1)) != 0)
            return Status.Malformed;
        if (BinaryPrimitives.ReadUInt16LittleEndian(block.Slice(SegmentOffset)) != 0)
            return Status.Unsupported;
        return units.Add(registers, AmdViRegister.Bytes, block[FlagsOffset]) ? Status.Ok : Status.OutOfMemory;
    }

    private static Status ReadMemory(ReadOnlySpan<byte> block, RemappingUnits units)
    {
        if (block.Length < MemoryBytes)
            return Status.Malformed;
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(block.Slice(StartOffset));
        ulong bytes = BinaryPrimitives.ReadUInt64LittleEndian(block.Slice(BytesOffset));
        if (bytes > ulong.MaxValue - start)
            return Status.Malformed;
        return units.AddRegion(start, start + bytes) ? Status.Ok : Status.OutOfMemory;
    }
}
