using System;
using Hv.Drivers.Block;
using Hv.Kernel;

namespace Hv.HostTests;

/// <summary>Memory for one request, scattered over pages in the shape of a PRP list.</summary>
public sealed unsafe class BlockBuffer : IDisposable
{
    private const int Pages = 132;

    private readonly DiskMemory _memory = new(Pages, low: false);
    private readonly int[] _order = new int[Pages];

    public BlockBuffer(int maxSegments = 130) => Request = new BlockRequest(maxSegments);

    public BlockRequest Request { get; }

    /// <summary>Prepares a read or write of whole sectors, from a random dword in a page on, page after page in random order.</summary>
    public void Prepare(Random random, BlockOperation operation, ulong first, uint sectors, uint sectorSize)
    {
        Request.Prepare(operation, first, sectors);
        for (int i = 0; i < Pages; i++)
            _order[i] = i;
        if (random.Next(2) == 0)
            random.Shuffle(_order);
        uint left = sectors * sectorSize;
        uint offset = random.Next(2) == 0 ? 0 : (uint)random.Next(1024) * 4;
        for (int i = 0; left != 0; i++)
        {
            uint part = Math.Min(left, PageSize.Small - offset);
            if (!Request.AddSegment(new HostPhysical((ulong)_memory.Page(_order[i]) + offset), part))
                throw new InvalidOperationException("segment refused");
            left -= part;
            offset = 0;
        }
    }

    public byte[] Read()
    {
        byte[] bytes = new byte[Request.SegmentBytes];
        int at = 0;
        foreach (BlockSegment segment in Request.Segments)
        {
            new ReadOnlySpan<byte>((void*)segment.Address.Value, (int)segment.Bytes).CopyTo(bytes.AsSpan(at));
            at += (int)segment.Bytes;
        }
        return bytes;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        foreach (BlockSegment segment in Request.Segments)
        {
            bytes.Slice(0, (int)segment.Bytes).CopyTo(new Span<byte>((void*)segment.Address.Value, (int)segment.Bytes));
            bytes = bytes.Slice((int)segment.Bytes);
        }
    }

    public void Dispose() => _memory.Dispose();
}
