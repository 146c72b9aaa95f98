using System;
using System.Buffers.Binary;
using Hv.Drivers.Platform;
using Xunit;

namespace Hv.HostTests.Power;

public sealed class FirmwareControlTests
{
    private readonly byte[] _facs = new byte[FirmwareControl.Bytes];

    public FirmwareControlTests()
    {
        "FACS"u8.CopyTo(_facs);
        BinaryPrimitives.WriteUInt32LittleEndian(_facs.AsSpan(4), 64);
        BinaryPrimitives.WriteUInt32LittleEndian(_facs.AsSpan(12), 0x9A_0010);
        BinaryPrimitives.WriteUInt64LittleEndian(_facs.AsSpan(24), 0x1234_5678);
    }

    [Fact]
    public void Vectors_are_read_and_written_and_nothing_else_is()
    {
        Assert.True(FirmwareControl.IsValid(_facs));
        Assert.Equal(0x9A_0010u, FirmwareControl.WakingVector(_facs));
        Assert.Equal(0x1234_5678ul, FirmwareControl.ExtendedVector(_facs));
        byte[] before = [.. _facs];
        FirmwareControl.SetVectors(_facs, 0x8000, 0);
        Assert.Equal(0x8000u, FirmwareControl.WakingVector(_facs));
        Assert.Equal(0ul, FirmwareControl.ExtendedVector(_facs));
        FirmwareControl.SetVectors(_facs, 0x9A_0010, 0x1234_5678);
        Assert.Equal(before, _facs);
    }

    [Theory]
    [InlineData(0, (byte)'X')]
    [InlineData(4, 63)]
    [InlineData(4, 0)]
    public void Something_else_is_not_taken_for_one(int offset, byte value)
    {
        _facs[offset] = value;
        Assert.False(FirmwareControl.IsValid(_facs));
    }

    [Fact]
    public void A_short_one_is_not_taken() => Assert.False(FirmwareControl.IsValid(_facs.AsSpan(0, 63)));
}
