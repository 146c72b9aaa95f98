using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Ata;

/// <summary>
/// The memory of one command, cut into pieces that the controller takes. Where its addresses end at 4 GiB, memory above is
/// replaced by pages of the driver's own, and the data copied.
/// </summary>
public sealed unsafe class AtaScatterList
{
    /// <summary>The longest command. Starting anywhere, it touches one page more than this has.</summary>
    public const uint MaxBytes = 128 * 1024;
    /// <summary>The most pieces of a command.</summary>
    public const int MaxPieces = (int)(MaxBytes / PageSize.Small) + 1;

    private const ulong Limit32 = 1ul << 32;

    private readonly ulong _boundary;
    private readonly ulong[] _addresses = new ulong[MaxPieces];
    private readonly uint[] _bytes = new uint[MaxPieces];
    private readonly ulong[] _bounced = new ulong[MaxPieces];
    private readonly ulong[] _bouncePages = new ulong[MaxPieces];
    private bool _is32;

    /// <summary>No piece crosses a multiple of <paramref name="boundary"/>, a power of two, at least a page.</summary>
    public AtaScatterList(ulong boundary) => _boundary = boundary;

    /// <summary>How many pieces there are.</summary>
    public int Count { get; private set; }

    /// <summary>Where piece <paramref name="index"/> is.</summary>
    public ulong Address(int index) => _addresses[index];

    /// <summary>How long piece <paramref name="index"/> is; a multiple of four.</summary>
    public uint Bytes(int index) => _bytes[index];

    /// <summary>
    /// From now on only memory below 4 GiB is used. Takes the pages for the rest out of <paramref name="pages"/>;
    /// <see cref="Status.OutOfMemory"/>: there are not enough, or they are not below 4 GiB themselves. At boot only.
    /// </summary>
    public Status Limit(PageSource pages)
    {
        for (int index = 0; index < MaxPieces; index++)
        {
            byte* page = TakePage(pages, is32: true);
            if (page == null)
                return Status.OutOfMemory;
            _bouncePages[index] = (ulong)page;
        }
        _is32 = true;
        return Status.Ok;
    }

    /// <summary>A page of <paramref name="pages"/> that the controller can reach; null if there is none.</summary>
    public static byte* TakePage(PageSource pages, bool is32)
    {
        byte* page = pages.TakePage();
        if (page == null || !is32 || (ulong)page < Limit32)
            return page;
        pages.ReturnPage(page);
        return null;
    }

    /// <summary>Describes one stretch of memory below the limit.</summary>
    public void Set(byte* address, uint bytes)
    {
        Count = 1;
        _addresses[0] = (ulong)address;
        _bytes[0] = bytes;
        _bounced[0] = 0;
    }

    /// <summary>
    /// Describes <paramref name="bytes"/> (at most <see cref="MaxBytes"/>) of a request's memory, from <paramref name="skip"/> bytes
    /// on. Data on the way to the disk is copied where needed.
    /// </summary>
    public void Build(BlockRequest request, ulong skip, uint bytes)
    {
        Count = 0;
        ReadOnlySpan<BlockSegment> segments = request.Segments;
        for (int index = 0; index < segments.Length && bytes != 0; index++)
        {
            BlockSegment segment = segments[index];
            if (skip >= segment.Bytes)
            {
                skip -= segment.Bytes;
                continue;
            }
            ulong address = segment.Address.Value + skip;
            uint left = (uint)Math.Min(segment.Bytes - skip, bytes);
            skip = 0;
            bytes -= left;
            while (left != 0)
            {
                uint part = AddPiece(address, left, request.Operation == BlockOperation.Write);
                address += part;
                left -= part;
            }
        }
    }

    /// <summary>After a command from the disk: copies what was bounced to where it belongs.</summary>
    public void CopyBack()
    {
        for (int index = 0; index < Count; index++)
        {
            if (_bounced[index] != 0)
                Copy(_addresses[index], _bounced[index], _bytes[index]);
        }
    }

    private uint AddPiece(ulong address, uint bytes, bool isWrite)
    {
        bool bounces = _is32 && (address | (_boundary - 1)) >= Limit32;
        ulong boundary = bounces ? PageSize.Small : _boundary;
        uint part = (uint)Math.Min(boundary - (address & (boundary - 1)), bytes);
        Invariant.Holds(Count < MaxPieces, "an ATA transfer has too many pieces");
        _bytes[Count] = part;
        _bounced[Count] = bounces ? address : 0;
        _addresses[Count] = bounces ? _bouncePages[Count] : address;
        if (bounces && isWrite)
            Copy(address, _bouncePages[Count], part);
        Count++;
        return part;
    }

    private static void Copy(ulong from, ulong to, uint bytes) =>
        new ReadOnlySpan<byte>((void*)from, (int)bytes).CopyTo(new Span<byte>((void*)to, (int)bytes));
}
