using System;
using System.Collections.Generic;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Kernel.Time;

namespace Hv.HostTests;

/// <summary>
/// A disk in an array. Requests are carried out when they complete: at once, or with <see cref="Later"/> one per poll in random order, the worst
/// that a real disk may do.
/// </summary>
public sealed unsafe class ModelDisk : BlockDevice
{
    private readonly List<BlockRequest> _pending = [];

    public ModelDisk(ulong sectors, uint sectorSize = 512, uint maxTransferSectors = 1024, bool zeroes = true, TimeSource? time = null)
        : base(time ?? new TickingTime())
    {
        SectorCount = sectors;
        SectorSize = sectorSize;
        MaxTransferSectors = maxTransferSectors;
        CanWriteZeroes = zeroes;
        Bytes = new byte[sectors * sectorSize];
    }

    public byte[] Bytes { get; }

    public override uint SectorSize { get; }

    public override ulong SectorCount { get; }

    public override uint MaxTransferSectors { get; }

    public override bool CanWriteZeroes { get; }

    /// <summary>Complete in polls, in an order that this chooses; null to complete at once.</summary>
    public Random? Later { get; set; }

    /// <summary>Complete nothing until <see cref="AbortAll"/>.</summary>
    public bool Stuck { get; set; }

    /// <summary>Fail requests that this picks.</summary>
    public Func<BlockRequest, bool>? Fails { get; set; }

    public List<(BlockOperation Operation, ulong First, ulong Count, bool Fua)> Log { get; } = [];

    public List<BlockRequest> Seen { get; } = [];

    public int Pending => _pending.Count;

    public override void Poll()
    {
        if (Stuck || _pending.Count == 0)
            return;
        int index = Later?.Next(_pending.Count) ?? 0;
        BlockRequest request = _pending[index];
        _pending.RemoveAt(index);
        CarryOut(request);
    }

    public override void AbortAll(Status status)
    {
        BlockRequest[] all = _pending.ToArray();
        _pending.Clear();
        foreach (BlockRequest request in all)
            request.Complete(status);
    }

    protected override void Start(BlockRequest request)
    {
        Log.Add((request.Operation, request.FirstSector, request.SectorCount, request.ForceUnitAccess));
        Seen.Add(request);
        if (Later != null || Stuck)
            _pending.Add(request);
        else
            CarryOut(request);
    }

    private void CarryOut(BlockRequest request)
    {
        if (Fails != null && Fails(request))
        {
            request.Complete(Status.DeviceError);
            return;
        }
        int at = (int)(request.FirstSector * SectorSize);
        switch (request.Operation)
        {
            case BlockOperation.Read:
            case BlockOperation.Write:
                foreach (BlockSegment segment in request.Segments)
                {
                    var memory = new Span<byte>((void*)segment.Address.Value, (int)segment.Bytes);
                    Span<byte> sectors = Bytes.AsSpan(at, (int)segment.Bytes);
                    if (request.Operation == BlockOperation.Read)
                        sectors.CopyTo(memory);
                    else
                        memory.CopyTo(sectors);
                    at += (int)segment.Bytes;
                }
                break;
            case BlockOperation.WriteZeroes:
                if (!CanWriteZeroes)
                {
                    request.Complete(Status.Unsupported);
                    return;
                }
                Bytes.AsSpan(at, (int)(request.SectorCount * SectorSize)).Clear();
                break;
            default:
                // A flush has nothing to do here, and a discard is a hint.
                break;
        }
        request.Complete(Status.Ok);
    }
}
