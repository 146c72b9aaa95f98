using System;
using System.Collections.Generic;
using Hv.Drivers.Block;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

/// <summary>Random requests to a disk driver, checked against an array that goes through the same writes.</summary>
public sealed unsafe class DiskTraffic
{
    private const byte Guard = 0xA5;

    private readonly BlockDevice _device;
    private readonly byte[] _expected;
    private readonly DiskMemory _memory;
    private readonly Random _random;
    private readonly List<(BlockRequest Request, byte[] Data, int Offset, int Page)> _batch = [];
    private int _nextPage;

    /// <summary><paramref name="contents"/> is what the disk holds now.</summary>
    public DiskTraffic(BlockDevice device, byte[] contents, DiskMemory memory, int seed)
    {
        _device = device;
        _expected = (byte[])contents.Clone();
        _memory = memory;
        _random = new Random(seed);
    }

    public byte[] Expected => _expected;

    /// <summary>Submits <paramref name="count"/> requests at once to ranges that do not overlap, waits for them, and checks what was read.</summary>
    public void Batch(int count)
    {
        _batch.Clear();
        _nextPage = 0;
        ulong slice = _device.SectorCount / (ulong)count;
        for (int index = 0; index < count; index++)
            AddRequest((ulong)index * slice, slice, _memory.Pages / count);
        foreach (var (request, _, _, _) in _batch)
            _device.Submit(request);
        for (int polls = 0; _batch.Exists(entry => !entry.Request.IsDone); polls++)
        {
            Assert.True(polls < 1_000_000, "a request never completes");
            _device.Poll();
        }
        foreach (var (request, data, offset, page) in _batch)
            Check(request, data, offset, page);
    }

    private void AddRequest(ulong firstSector, ulong sectors, int pages)
    {
        uint size = _device.SectorSize;
        ulong fitting = (ulong)(pages - 1) * PageSize.Small / size;
        ulong most = Math.Min(Math.Min(sectors, _device.MaxTransferSectors), fitting);
        ulong count = _random.Next(4) == 0 ? most : 1 + (ulong)_random.NextInt64((long)most);
        ulong first = firstSector + (ulong)_random.NextInt64((long)(sectors - count + 1));
        BlockOperation operation = _random.Next(10) switch
        {
            0 => BlockOperation.Flush,
            1 when _device.CanWriteZeroes => BlockOperation.WriteZeroes,
            2 or 3 or 4 or 5 => BlockOperation.Read,
            _ => BlockOperation.Write,
        };
        int firstPage = _nextPage;
        _nextPage += pages;
        var request = new BlockRequest(512);
        if (operation == BlockOperation.Flush)
        {
            request.Prepare(operation, 0, 0);
            _batch.Add((request, [], 0, firstPage));
            return;
        }
        request.Prepare(operation, first, count);
        request.ForceUnitAccess = _random.Next(4) == 0;
        if (operation == BlockOperation.WriteZeroes)
        {
            _expected.AsSpan((int)(first * size), (int)(count * size)).Clear();
            _batch.Add((request, [], 0, firstPage));
            return;
        }

        // Any start that is a multiple of 4, then pages in an order that is not theirs.
        int bytes = (int)(count * size);
        int offset = _random.Next(2) == 0 ? 0 : 4 * _random.Next(1024);
        var data = new byte[bytes];
        _random.NextBytes(data);
        int usedPages = (offset + bytes + (int)PageSize.Small - 1) / (int)PageSize.Small;
        _memory.Bytes.Slice(firstPage * (int)PageSize.Small, pages * (int)PageSize.Small).Fill(Guard);
        int done = 0;
        for (int index = 0; index < usedPages; index++)
        {
            int from = index == 0 ? offset : 0;
            int part = Math.Min((int)PageSize.Small - from, bytes - done);
            byte* target = _memory.Page(firstPage + Place(index, usedPages)) + from;
            if (operation == BlockOperation.Write)
                data.AsSpan(done, part).CopyTo(new Span<byte>(target, part));
            Assert.True(request.AddSegment(new HostPhysical((ulong)target), (uint)part));
            done += part;
        }
        Span<byte> expected = _expected.AsSpan((int)(first * size), bytes);
        if (operation == BlockOperation.Write)
            data.CopyTo(expected);
        else
            expected.CopyTo(data);
        _batch.Add((request, data, offset, firstPage));
    }

    private void Check(BlockRequest request, byte[] data, int offset, int page)
    {
        Assert.Equal(Status.Ok, request.Status);
        if (request.Operation != BlockOperation.Read)
            return;
        int usedPages = (offset + data.Length + (int)PageSize.Small - 1) / (int)PageSize.Small;
        int done = 0;
        for (int index = 0; index < usedPages; index++)
        {
            int from = index == 0 ? offset : 0;
            int part = Math.Min((int)PageSize.Small - from, data.Length - done);
            var bytes = new Span<byte>(_memory.Page(page + Place(index, usedPages)), (int)PageSize.Small);
            Assert.True(bytes.Slice(from, part).SequenceEqual(data.AsSpan(done, part)), "read gave other data");
            Assert.Equal(-1, bytes[..from].IndexOfAnyExcept(Guard));
            Assert.Equal(-1, bytes[(from + part)..].IndexOfAnyExcept(Guard));
            done += part;
        }
    }

    /// <summary>Pairs of pages change places, so that some neighbours stay together and some do not.</summary>
    private static int Place(int index, int count) =>
        index % 8 < 4 || (index ^ 1) >= count ? index : index ^ 1;
}
