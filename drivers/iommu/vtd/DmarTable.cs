using System;
using System.Buffers.Binary;
using Hv.Kernel;

namespace Hv.Drivers.Iommu.Vtd;

/// <summary>The ACPI table that describes VT-d units (Intel VT-d 3.3, chapter 8).</summary>
public static class DmarTable
{
    private const int FirstStructure = 48, HeaderBytes = 4, HardwareUnitBytes = 16, ReservedRegionBytes = 24;
    private const ushort HardwareUnit = 0, ReservedRegion = 1;
    private const int SizeOffset = 5, SegmentOffset = 6, BaseOffset = 8, LimitOffset = 16;
    private const byte SizeMask = 0xF;

    /// <summary>
    /// Finds all units. <see cref="Status.Malformed"/>: the table contradicts itself. <see cref="Status.Unsupported"/>: a unit belongs to another PCI segment
    /// than 0. <see cref="Status.OutOfMemory"/>: too many. <see cref="Status.NotFound"/>: none.
    /// </summary>
    public static Status Read(ReadOnlySpan<byte> table, RemappingUnits units)
    {
        for (int at = FirstStructure; at < table.Length;)
        {
            if (table.Length - at < HeaderBytes)
                return Status.Malformed;
            ushort type = BinaryPrimitives.ReadUInt16LittleEndian(table.Slice(at));
            int length = BinaryPrimitives.ReadUInt16LittleEndian(table.Slice(at + 2));
            if (length < HeaderBytes || length > table.Length - at)
                return Status.Malformed;
            ReadOnlySpan<byte> structure = table.Slice(at, length);
            Status status = type switch
            {
                HardwareUnit => ReadUnit(structure, units),
                ReservedRegion => ReadRegion(structure, units),
                _ => Status.Ok,
            };
            if (status != Status.Ok)
                return status;
            at += length;
        }
        return units.Count == 0 ? Status.NotFound : Status.Ok;
    }

    private static Status ReadUnit(ReadOnlySpan<byte> structure, RemappingUnits units)
    {
        if (structure.Length < HardwareUnitBytes)
            return Status.Malformed;
        ulong registers = BinaryPrimitives.ReadUInt64LittleEndian(structure.Slice(BaseOffset));
        if (registers == 0 || (registers & (PageSize.Small - 1)) != 0)
            return Status.Malformed;
        if (BinaryPrimitives.ReadUInt16LittleEndian(structure.Slice(SegmentOffset)) != 0)
            return Status.Unsupported;
        return units.Add(registers, (ulong)PageSize.Small << (structure[SizeOffset] & SizeMask), 0) ? Status.Ok : Status.OutOfMemory;
    }

    private static Status ReadRegion(ReadOnlySpan<byte> structure, RemappingUnits units)
    {
        if (structure.Length < ReservedRegionBytes)
            return Status.Malformed;
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(structure.Slice(BaseOffset));
        ulong limit = BinaryPrimitives.ReadUInt64LittleEndian(structure.Slice(LimitOffset));
        if (limit < start || limit == ulong.MaxValue)
            return Status.Malformed;
        return units.AddRegion(start, limit + 1) ? Status.Ok : Status.OutOfMemory;
    }
}
