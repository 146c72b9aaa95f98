using System;
using Hv.Drivers.Block;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class BlockRequestTests
{
    private readonly BlockRequest _request = new(4);

    public BlockRequestTests() => _request.Prepare(BlockOperation.Read, 0, 8);

    [Fact]
    public void Neighbouring_pieces_become_one_segment()
    {
        Assert.True(_request.AddSegment(new HostPhysical(0x1000), 0x1000));
        Assert.True(_request.AddSegment(new HostPhysical(0x2000), 0x200));
        Assert.Equal(1, _request.Segments.Length);
        Assert.Equal(0x1200u, _request.Segments[0].Bytes);
        Assert.Equal(0x1200u, _request.SegmentBytes);
    }

    [Theory]
    [InlineData(0x1002, 0x200)]
    [InlineData(0x1000, 0x202)]
    [InlineData(0x1000, 0)]
    public void Odd_pieces_are_refused(ulong address, uint bytes) => Assert.False(_request.AddSegment(new HostPhysical(address), bytes));

    [Fact]
    public void Holes_within_pages_are_refused()
    {
        Assert.True(_request.AddSegment(new HostPhysical(0x1200), 0xE00));
        Assert.False(_request.AddSegment(new HostPhysical(0x5200), 0x200));
        Assert.True(_request.AddSegment(new HostPhysical(0x5000), 0x200));
        Assert.False(_request.AddSegment(new HostPhysical(0x7000), 0x200));
        Assert.Equal(2, _request.Segments.Length);
    }

    [Fact]
    public void No_more_segments_than_there_is_room_for()
    {
        for (uint i = 0; i < 4; i++)
            Assert.True(_request.AddSegment(new HostPhysical(0x10000 - i * 0x2000), 0x1000));
        Assert.False(_request.AddSegment(new HostPhysical(0x100000), 0x1000));
    }

    [Fact]
    public void A_part_of_the_memory_of_a_request_can_be_used_by_another()
    {
        _request.AddSegment(new HostPhysical(0x1E00), 0x200);
        _request.AddSegment(new HostPhysical(0x9000), 0x1000);
        _request.AddSegment(new HostPhysical(0x5000), 0x1000);
        var part = new BlockRequest(4);
        part.Prepare(BlockOperation.Read, 0, 1);
        Assert.True(part.AddSegmentsOf(_request, 0x400, 0x1000));
        Assert.Equal(0x9200u, part.Segments[0].Address.Value);
        Assert.Equal(0xE00u, part.Segments[0].Bytes);
        Assert.Equal(0x5000u, part.Segments[1].Address.Value);
        Assert.Equal(0x200u, part.Segments[1].Bytes);
        Assert.False(part.AddSegmentsOf(_request, 0x2000, 0x1000));
    }

    [Fact]
    public void A_device_refuses_what_does_not_suit_it()
    {
        var disk = new ModelDisk(100);
        Assert.Equal(Status.InvalidArgument, Execute(disk, BlockOperation.Read, 99, 2, 1024));
        Assert.Equal(Status.InvalidArgument, Execute(disk, BlockOperation.Read, ulong.MaxValue, 2, 1024));
        Assert.Equal(Status.InvalidArgument, Execute(disk, BlockOperation.Read, 0, 2, 512));
        Assert.Equal(Status.InvalidArgument, Execute(disk, BlockOperation.Read, 0, 0, 0));
        Assert.Equal(Status.InvalidArgument, Execute(disk, BlockOperation.Discard, 0, 8, 4096));
        Assert.Equal(Status.InvalidArgument, Execute(disk, BlockOperation.Flush, 0, 1, 0));
        Assert.Equal(Status.Ok, Execute(disk, BlockOperation.Flush, 0, 0, 0));
        Assert.Equal(Status.InvalidArgument, Execute(new ModelDisk(100_000), BlockOperation.WriteZeroes, 0, 65_537, 0));
        Assert.Equal(Status.Ok, Execute(new ModelDisk(100_000), BlockOperation.WriteZeroes, 0, 65_536, 0));
    }

    [Fact]
    public void A_device_that_does_not_answer_is_given_up_on()
    {
        var time = new TickingTime { Step = 1_000_000 };
        var disk = new ModelDisk(100, time: time) { Stuck = true };
        Assert.Equal(Status.Timeout, Execute(disk, BlockOperation.Flush, 0, 0, 0));
        Assert.InRange(time.Now, BlockDevice.TimeLimitNanoseconds, BlockDevice.TimeLimitNanoseconds + 10_000_000);
        disk.Stuck = false;
        Assert.Equal(Status.Ok, Execute(disk, BlockOperation.Flush, 0, 0, 0));
    }

    [Fact]
    public void A_request_cannot_be_submitted_twice()
    {
        var disk = new ModelDisk(100) { Stuck = true };
        _request.Prepare(BlockOperation.Flush, 0, 0);
        disk.Submit(_request);
        Assert.Throws<InvalidOperationException>(() => disk.Submit(_request));
        Assert.Throws<InvalidOperationException>(() => _request.Prepare(BlockOperation.Flush, 0, 0));
    }

    private static Status Execute(ModelDisk disk, BlockOperation operation, ulong first, ulong sectors, uint bytes)
    {
        var request = new BlockRequest(1);
        request.Prepare(operation, first, sectors);
        if (bytes != 0)
            request.AddSegment(new HostPhysical(0x1000), bytes);
        return disk.Execute(request);
    }
}
