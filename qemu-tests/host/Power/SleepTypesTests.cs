using System;
using System.Linq;
using Hv.Boot.Acpi;
using Xunit;

namespace Hv.HostTests.Power;

public sealed class SleepTypesTests
{
    // A table's header, then something, then the definition, then something.
    private static byte[] Table(params byte[] definition)
    {
        byte[] table = [.. "DSDT"u8, .. new byte[32], .. "_S3_ and _S5_ are not defined here"u8, .. definition, .. "end"u8];
        table[9] = 0;
        table[9] = (byte)-table.Sum(b => b);
        return table;
    }

    [Theory]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x06, 0x04, 0x01, 0x01, 0x00, 0x00 }, 1)]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x0A, 0x04, 0x0A, 0x05, 0x0A, 0x05, 0x00, 0x00 }, 5)]
    [InlineData(new byte[] { 0x08, 0x5C, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00 }, 0)]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x47, 0x00, 0x04, 0x0A, 0x03, 0x00, 0x00, 0x00 }, 3)]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x06, 0x04, 0x0B, 0x01, 0x00, 0x00 }, 1)]
    public void The_first_element_of_the_package_is_the_type(byte[] definition, int type)
    {
        Assert.True(SleepTypes.TryFind(Table(definition), SleepTypes.Suspend, out byte found));
        Assert.Equal(type, found);
        Assert.False(SleepTypes.TryFind(Table(definition), SleepTypes.SoftOff, out _));
    }

    [Theory]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x11, 0x06, 0x04, 0x01 })]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x08, 0x04, 0x41, 0x42, 0x43, 0x44, 0x00, 0x00 })]
    [InlineData(new byte[] { 0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x06, 0x04, 0x0B, 0x00, 0x01, 0x00 })]
    [InlineData(new byte[] { 0x14, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x06, 0x04, 0x01 })]
    public void What_is_no_package_of_constants_is_not_taken(byte[] definition) =>
        Assert.False(SleepTypes.TryFind(Table(definition), SleepTypes.Suspend, out _));

    [Fact]
    public void A_table_that_ends_in_the_middle_is_not_read_beyond_its_end()
    {
        byte[] table = Table(0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0xC6, 0, 0, 0, 4, 0x0A, 5);
        for (int length = 0; length < table.Length; length++)
            _ = SleepTypes.TryFind(table.AsSpan(0, length), SleepTypes.Suspend, out _);
        Assert.False(SleepTypes.TryFind(table.AsSpan(0, table.Length - 4), SleepTypes.Suspend, out _));
        Assert.True(SleepTypes.TryFind(table, SleepTypes.Suspend, out _));
    }

    [Fact]
    public void A_hidden_state_is_gone_and_the_checksum_is_right()
    {
        byte[] table = Table(0x08, 0x5F, 0x53, 0x33, 0x5F, 0x12, 0x06, 0x04, 0x01, 0x01, 0x00, 0x00);
        Assert.True(SleepTypes.Hide(table, SleepTypes.Suspend));
        Assert.False(SleepTypes.TryFind(table, SleepTypes.Suspend, out _));
        Assert.Equal(0, (byte)table.Sum(b => b));
        Assert.False(SleepTypes.Hide(table, SleepTypes.Suspend));
    }

    [Theory]
    [InlineData(0x0, 0x1000, 140, 0x1000)]
    [InlineData(0x2000, 0x1000, 140, 0x2000)]
    [InlineData(0x2000, 0x1000, 139, 0x1000)]
    [InlineData(0x2000, 0x1000, 39, 0x0)]
    public void The_long_address_counts_where_there_is_one(long longer, int shorter, int length, long expected)
    {
        byte[] fadt = new byte[244];
        BitConverter.TryWriteBytes(fadt.AsSpan(36), shorter);
        BitConverter.TryWriteBytes(fadt.AsSpan(132), longer);
        Assert.Equal((ulong)expected, FixedTables.Address(fadt.AsSpan(0, length), 36, 132));
    }
}
