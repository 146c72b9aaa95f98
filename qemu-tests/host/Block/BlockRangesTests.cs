using Hv.Kernel;
using Hv.Shadow.Blocks;
using Xunit;

namespace Hv.HostTests;

public sealed class BlockRangesTests
{
    private readonly BlockRanges _ranges = new(8, 1001);

    [Theory]
    [InlineData(0, 8, Status.Ok)]
    [InlineData(992, 8, Status.Ok)]
    [InlineData(0, 0, Status.InvalidArgument)]
    [InlineData(4, 8, Status.InvalidArgument)]
    [InlineData(8, 12, Status.InvalidArgument)]
    [InlineData(1000, 8, Status.InvalidArgument)]
    [InlineData(0, ulong.MaxValue - 7, Status.InvalidArgument)]
    [InlineData(ulong.MaxValue - 7, 8, Status.InvalidArgument)]
    [InlineData(8, ulong.MaxValue - 7, Status.InvalidArgument)]
    public void Ranges_are_whole_chunks_of_the_disk(ulong first, ulong sectors, Status expected)
    {
        Assert.Equal(expected, _ranges.Add(first, sectors));
        Assert.Equal(expected == Status.Ok ? 1 : 0, _ranges.Count);
    }

    [Fact]
    public void Ranges_do_not_overlap()
    {
        Assert.Equal(Status.Ok, _ranges.Add(80, 80));
        Assert.Equal(Status.InvalidArgument, _ranges.Add(72, 16));
        Assert.Equal(Status.InvalidArgument, _ranges.Add(152, 16));
        Assert.Equal(Status.InvalidArgument, _ranges.Add(96, 8));
        Assert.Equal(Status.InvalidArgument, _ranges.Add(0, 800));
        Assert.Equal(Status.Ok, _ranges.Add(160, 8));
        Assert.Equal(Status.Ok, _ranges.Add(72, 8));
        Assert.Equal(12u, _ranges.Chunks);
    }

    [Fact]
    public void There_is_room_for_so_many()
    {
        for (uint i = 0; i < BlockRanges.Max; i++)
            Assert.Equal(Status.Ok, _ranges.Add(i * 8, 8));
        Assert.Equal(Status.OutOfMemory, _ranges.Add(BlockRanges.Max * 8, 8));
        _ranges.Clear();
        Assert.Equal(0u, _ranges.Chunks);
        Assert.False(_ranges.Contains(0));
    }

    [Fact]
    public void Sectors_are_inside_at_the_border_or_outside()
    {
        _ranges.Add(80, 80);
        Assert.False(_ranges.Contains(9));
        Assert.True(_ranges.Contains(10));
        Assert.True(_ranges.Contains(19));
        Assert.False(_ranges.Contains(20));
        Assert.True(_ranges.ContainsSectors(80, 80));
        Assert.False(_ranges.ContainsSectors(79, 80));
        Assert.False(_ranges.ContainsSectors(81, 80));
        Assert.False(_ranges.ContainsSectors(80, 0));
        Assert.False(_ranges.TouchesSectors(0, 80));
        Assert.True(_ranges.TouchesSectors(0, 81));
        Assert.True(_ranges.TouchesSectors(159, 1));
        Assert.False(_ranges.TouchesSectors(160, 1));
    }
}
