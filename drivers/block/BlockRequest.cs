using System;
using Hv.Kernel;

namespace Hv.Drivers.Block;

/// <summary>
/// One operation on a <see cref="BlockDevice"/>. Made while booting and used again and again: <see cref="Prepare"/>, add segments,
/// submit, wait until <see cref="IsDone"/>.
/// </summary>
/// <remarks>
/// The segments have the shape of an NVMe PRP list (NVMe 1.4, 4.3): each but the first starts at a 4 KiB boundary, each but the last ends
/// at one, and everything is a multiple of 4 bytes. <see cref="AddSegment"/> refuses anything else, so drivers may rely on it.
/// From submission until completion the request and its memory belong to the device.
/// </remarks>
public sealed class BlockRequest
{
    private readonly BlockSegment[] _segments;
    private int _segmentCount;
    private bool _inFlight;

    /// <summary>Makes a request with room for <paramref name="maxSegments"/> segments. Allocates: while booting only.</summary>
    public BlockRequest(int maxSegments) => _segments = new BlockSegment[maxSegments];

    /// <summary>What to do.</summary>
    public BlockOperation Operation { get; private set; }

    /// <summary>The first sector of the range.</summary>
    public ulong FirstSector { get; private set; }

    /// <summary>How many sectors; 0 for a flush only.</summary>
    public ulong SectorCount { get; private set; }

    /// <summary>The sector behind the range.</summary>
    public ulong EndSector => FirstSector + SectorCount;

    /// <summary>Whether it changes what the sectors hold: a discard is only a hint.</summary>
    public bool IsWrite => Operation is BlockOperation.Write or BlockOperation.WriteZeroes;

    /// <summary>A write must be durable before it completes.</summary>
    public bool ForceUnitAccess { get; set; }

    /// <summary>Who is told of the completion; null if the submitter looks at <see cref="IsDone"/>.</summary>
    public BlockRequestOwner? Owner { get; set; }

    /// <summary>Free for the submitter.</summary>
    public ulong Tag { get; set; }

    /// <summary>Free for the device while the request is in flight (its command slot, say).</summary>
    public ulong DeviceTag { get; set; }

    /// <summary>The next request in a queue of whoever has the request now: the submitter before submission and after completion, else the device.</summary>
    public BlockRequest? Next { get; set; }

    /// <summary>The outcome; <see cref="Hv.Kernel.Status.Pending"/> until the request is done.</summary>
    public Status Status { get; private set; } = Status.Pending;

    /// <summary>Whether the outcome is known.</summary>
    public bool IsDone => Status != Status.Pending;

    /// <summary>The memory, in the order of the sectors.</summary>
    public ReadOnlySpan<BlockSegment> Segments => new(_segments, 0, _segmentCount);

    /// <summary>How many segments the request has room for.</summary>
    public int MaxSegments => _segments.Length;

    /// <summary>The sum of the segments' lengths.</summary>
    public ulong SegmentBytes { get; private set; }

    /// <summary>Makes the request a new one, without segments, owner's tag or force-unit-access. Not while it is in flight.</summary>
    public void Prepare(BlockOperation operation, ulong firstSector, ulong sectorCount)
    {
        Invariant.Holds(!_inFlight, "a block request is prepared while in flight");
        Operation = operation;
        FirstSector = firstSector;
        SectorCount = sectorCount;
        ForceUnitAccess = false;
        Tag = 0;
        DeviceTag = 0;
        SegmentBytes = 0;
        Status = Status.Pending;
        _segmentCount = 0;
    }

    /// <summary>Adds memory; a piece that starts where the last one ends makes that one longer. False if it does not fit the rules above, or there is no room.</summary>
    public bool AddSegment(HostPhysical address, uint bytes)
    {
        if (bytes == 0 || ((address.Value | bytes) & 3) != 0)
            return false;
        if (_segmentCount > 0)
        {
            BlockSegment last = _segments[_segmentCount - 1];
            if (last.End == address.Value && last.Bytes + (ulong)bytes <= uint.MaxValue)
            {
                _segments[_segmentCount - 1] = new BlockSegment(last.Address, last.Bytes + bytes);
                SegmentBytes += bytes;
                return true;
            }
            if (address.PageOffset != 0 || (last.End & (PageSize.Small - 1)) != 0)
                return false;
        }
        if (_segmentCount == _segments.Length)
            return false;
        _segments[_segmentCount++] = new BlockSegment(address, bytes);
        SegmentBytes += bytes;
        return true;
    }

    /// <summary>Adds the part of <paramref name="source"/>'s memory that starts <paramref name="skip"/> bytes in and is <paramref name="bytes"/> long.</summary>
    public bool AddSegmentsOf(BlockRequest source, ulong skip, ulong bytes)
    {
        for (int i = 0; i < source._segmentCount && bytes != 0; i++)
        {
            BlockSegment segment = source._segments[i];
            if (skip >= segment.Bytes)
            {
                skip -= segment.Bytes;
                continue;
            }
            uint part = (uint)Math.Min(segment.Bytes - skip, bytes);
            if (!AddSegment(segment.Address + skip, part))
                return false;
            skip = 0;
            bytes -= part;
        }
        return bytes == 0;
    }

    /// <summary>
    /// Copies the <paramref name="bytes"/> bytes of its data from byte <paramref name="skip"/> on: to <paramref name="at"/> if <paramref name="take"/>, else
    /// from there, where null stands for zeroes. The data is as long as that.
    /// </summary>
    public unsafe void CopyData(ulong skip, byte* at, uint bytes, bool take)
    {
        for (int i = 0; bytes != 0; i++)
        {
            BlockSegment segment = _segments[i];
            if (skip >= segment.Bytes)
            {
                skip -= segment.Bytes;
                continue;
            }
            uint part = (uint)Math.Min(segment.Bytes - skip, bytes);
            var memory = new Span<byte>((byte*)segment.Address.Value + skip, (int)part);
            if (at == null)
                memory.Clear();
            else if (take)
                memory.CopyTo(new Span<byte>(at, (int)part));
            else
                new ReadOnlySpan<byte>(at, (int)part).CopyTo(memory);
            skip = 0;
            bytes -= part;
            if (at != null)
                at += part;
        }
    }

    /// <summary>For a device: the request is now in flight.</summary>
    internal void Begin()
    {
        Invariant.Holds(!_inFlight, "a block request is submitted twice");
        _inFlight = true;
        Status = Status.Pending;
    }

    /// <summary>For a device: the request is done. <paramref name="status"/> is anything but <see cref="Hv.Kernel.Status.Pending"/>.</summary>
    public void Complete(Status status)
    {
        Invariant.Holds(_inFlight && status != Status.Pending, "a block request completes that is not in flight");
        _inFlight = false;
        Status = status;
        Owner?.Completed(this);
    }
}
