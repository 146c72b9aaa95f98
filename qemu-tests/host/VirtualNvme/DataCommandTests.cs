using System;
using Hv.Drivers.Control;
using Hv.Drivers.Nvme.Spec;
using Hv.Shadow.Blocks;
using Hv.Shadow.Control;
using Xunit;

namespace Hv.HostTests;

/// <summary>The table of data partitions on its way from a guest's memory to the disk.</summary>
public sealed class DataCommandTests : IDisposable
{
    private readonly NvmeGuest _guest;
    private readonly BlockRanges _ranges = new(8, 10_000);
    private bool _keep;

    public DataCommandTests()
    {
        _guest = new NvmeGuest(new ModelDisk(10_000));
        _guest.Start();
        _guest.Vendor.Answer = command => command.Complete(DataCommand.Apply(command.Data, _ranges, out _keep), 0);
        _ranges.Add(0, 8);
    }

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_table_takes_the_place_of_the_one_before()
    {
        Assert.Equal(NvmeStatus.Success, Send(Table(DataTable.KeepLastView, (80, 16), (8, 8), (9992, 8))));
        Assert.True(_keep);
        Assert.Equal(3, _ranges.Count);
        Assert.False(_ranges.Contains(0));
        Assert.True(_ranges.Contains(1));
        Assert.True(_ranges.Contains(11));
        Assert.Equal(NvmeStatus.Success, Send(Table(0)));
        Assert.False(_keep);
        Assert.Equal(0, _ranges.Count);
    }

    [Fact]
    public void The_longest_table_fits()
    {
        var ranges = new (ulong, ulong)[DataTable.MaxRanges];
        for (uint i = 0; i < ranges.Length; i++)
            ranges[i] = (i * 16, 8);
        Assert.Equal(NvmeStatus.Success, Send(Table(0, ranges)));
        Assert.Equal(DataTable.MaxRanges, _ranges.Count);
    }

    [Fact]
    public void A_malformed_table_leaves_no_range()
    {
        byte[] unknownFlag = Table(2);
        byte[] reserved = Table(0);
        reserved[12] = 1;
        byte[] tooMany = Table(0);
        tooMany[4] = 65;
        byte[] huge = Table(0);
        huge[7] = 1;
        foreach (byte[] table in new[]
        {
            unknownFlag, reserved, tooMany, huge, Table(0)[..12], [], [.. Table(0), 0, 0, 0, 0], Table(0, (8, 8))[..28],
            Table(0, (4, 8)), Table(0, (8, 9)), Table(0, (8, 0)), Table(0, (9992, 16)), Table(0, (8, 16), (16, 8)), Table(0, (ulong.MaxValue - 7, 16)),
        })
        {
            Assert.Equal(NvmeStatus.InvalidField, Send(table));
            Assert.Equal(0, _ranges.Count);
            Assert.False(_keep);
        }
    }

    [Fact]
    public void Memory_that_is_not_there_is_an_error()
    {
        Assert.Equal(NvmeStatus.DataTransferError, _guest.AdminStatus(ControlOpcode.SetData, 4, prp1: 1ul << 40));
        Assert.Equal(0, _ranges.Count);
    }

    [Fact]
    public void Whatever_is_sent_the_ranges_are_on_the_disk_and_apart()
    {
        var random = new Random(8);
        for (int i = 0; i < 5000; i++)
        {
            var wanted = new (ulong, ulong)[random.Next(5)];
            for (int n = 0; n < wanted.Length; n++)
                wanted[n] = (Number(random), Number(random));
            byte[] table = Table((uint)random.Next(3), wanted);
            if (random.Next(4) == 0)
                table[random.Next(table.Length)] ^= (byte)(1 << random.Next(8));
            ushort status = Send(table);
            Assert.True(status is NvmeStatus.Success or NvmeStatus.InvalidField);
            for (int n = 0; n < _ranges.Count; n++)
            {
                Assert.True(_ranges.FirstChunk(n) < _ranges.EndChunk(n) && _ranges.EndChunk(n) <= 1250);
                for (int m = 0; m < n; m++)
                    Assert.True(_ranges.EndChunk(m) <= _ranges.FirstChunk(n) || _ranges.EndChunk(n) <= _ranges.FirstChunk(m));
            }
        }
    }

    private static ulong Number(Random random) => random.Next(6) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(300) * 8;

    private ushort Send(byte[] table)
    {
        const ulong page = 8 * 4096;
        table.CopyTo(_guest.Memory.Bytes[(int)page..]);
        return _guest.AdminStatus(ControlOpcode.SetData, (uint)table.Length / 4, prp1: page);
    }

    private static byte[] Table(uint flags, params (ulong First, ulong Sectors)[] ranges)
    {
        byte[] table = new byte[DataTable.BytesFor(ranges.Length)];
        DataTable.WriteHeader(table, flags, ranges.Length);
        for (int i = 0; i < ranges.Length; i++)
            DataTable.WriteRange(table.AsSpan(DataTable.BytesFor(i)), ranges[i].First, ranges[i].Sectors);
        return table;
    }
}
