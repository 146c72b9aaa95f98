using System;
using System.Collections.Generic;
using Hv.Drivers.Block;
using Hv.Kernel;

namespace Hv.HostTests.Journal;

/// <summary>
/// A disk with a volatile write cache, whose power can be cut at any write or flush. What was not flushed by then is on the medium or not, each sector
/// by itself.
/// </summary>
public sealed unsafe class CrashDisk : BlockDevice
{
    public const int Sector = 512;

    private readonly byte[] _medium;
    private readonly List<(ulong Sector, byte[] Data)> _cache = [];
    private readonly byte[] _seen;

    public CrashDisk(byte[] medium) : base(new TickingTime())
    {
        _medium = medium;
        _seen = (byte[])medium.Clone();
    }

    public override uint SectorSize => Sector;

    public override ulong SectorCount => (ulong)(_medium.Length / Sector);

    public override uint MaxTransferSectors => 64;

    /// <summary>What a reader sees now.</summary>
    public ReadOnlySpan<byte> Bytes => _seen;

    /// <summary>Writes and flushes so far.</summary>
    public int Steps { get; private set; }

    /// <summary>The step in which the power fails; 0: never.</summary>
    public int CutAt { get; set; }

    /// <summary>Fail what this picks.</summary>
    public Func<BlockRequest, bool>? Fails { get; set; }

    public override void Poll()
    {
    }

    public override void AbortAll(Status status)
    {
    }

    /// <summary>What the medium holds after the power has failed now. A sector of <paramref name="tearable"/> may be half-written.</summary>
    public byte[] AfterPowerLoss(Random random, ulong tearable)
    {
        byte[] medium = (byte[])_medium.Clone();
        int percent = random.Next(4) switch { 0 => 0, 1 => 100, _ => random.Next(101) };
        foreach ((ulong sector, byte[] data) in _cache)
        {
            if (random.Next(100) >= percent)
                continue;
            int bytes = sector == tearable && random.Next(4) == 0 ? random.Next(Sector) : Sector;
            data.AsSpan(0, bytes).CopyTo(medium.AsSpan((int)sector * Sector));
        }
        return medium;
    }

    protected override void Start(BlockRequest request)
    {
        bool changes = request.Operation is BlockOperation.Write or BlockOperation.WriteZeroes or BlockOperation.Flush;
        bool cut = changes && ++Steps == CutAt;
        if (Fails != null && Fails(request))
        {
            request.Complete(Status.DeviceError);
            return;
        }
        int at = (int)request.FirstSector * Sector;
        switch (request.Operation)
        {
            case BlockOperation.Read:
                foreach (BlockSegment segment in request.Segments)
                {
                    _seen.AsSpan(at, (int)segment.Bytes).CopyTo(new Span<byte>((void*)segment.Address.Value, (int)segment.Bytes));
                    at += (int)segment.Bytes;
                }
                break;
            case BlockOperation.Write:
                foreach (BlockSegment segment in request.Segments)
                {
                    new ReadOnlySpan<byte>((void*)segment.Address.Value, (int)segment.Bytes).CopyTo(_seen.AsSpan(at));
                    at += (int)segment.Bytes;
                }
                Remember(request);
                break;
            case BlockOperation.WriteZeroes:
                _seen.AsSpan(at, (int)request.SectorCount * Sector).Clear();
                Remember(request);
                break;
            case BlockOperation.Flush when !cut:
                _seen.CopyTo(_medium, 0);
                _cache.Clear();
                break;
        }
        if (cut)
            throw new PowerLossException();
        request.Complete(Status.Ok);
    }

    private void Remember(BlockRequest request)
    {
        for (ulong i = request.FirstSector; i < request.FirstSector + request.SectorCount; i++)
            _cache.Add((i, _seen.AsSpan((int)i * Sector, Sector).ToArray()));
    }
}
