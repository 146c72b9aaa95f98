using System;
using Hv.Drivers.Control;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Hv.Kernel;
using Hv.Shadow.Blocks;

namespace Hv.Shadow.Control;

/// <summary>Reads the <see cref="DataTable"/> that a guest has sent.</summary>
public static class DataCommand
{
    /// <summary>
    /// Puts the table's ranges into <paramref name="ranges"/>. Each byte is read once, each number checked: unless all is right the set is empty
    /// afterwards. An NVMe status value.
    /// </summary>
    public static ushort Apply(GuestBuffer table, BlockRanges ranges, out bool keepLastView)
    {
        const ushort malformed = NvmeStatus.InvalidField | NvmeStatus.DoNotRetry;
        keepLastView = false;
        ranges.Clear();
        Span<byte> piece = stackalloc byte[DataTable.HeaderBytes];
        if (table.Length < DataTable.HeaderBytes)
            return malformed;
        if (!table.TryRead(0, piece))
            return NvmeStatus.DataTransferError;
        if (!DataTable.TryReadHeader(piece, table.Length, out uint flags, out int count))
            return malformed;
        for (int i = 0; i < count; i++)
        {
            bool read = table.TryRead((uint)DataTable.BytesFor(i), piece);
            DataTable.ReadRange(piece, out ulong first, out ulong sectors);
            if (read && ranges.Add(first, sectors) == Status.Ok)
                continue;
            ranges.Clear();
            return read ? malformed : NvmeStatus.DataTransferError;
        }
        keepLastView = (flags & DataTable.KeepLastView) != 0;
        return NvmeStatus.Success;
    }
}
