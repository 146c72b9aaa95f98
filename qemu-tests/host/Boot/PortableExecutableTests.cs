using System;
using System.Buffers.Binary;
using Hv.Boot;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests.Boot;

public sealed class PortableExecutableTests
{
    private const int Pe = 0x80, Optional = Pe + 24, OptionalBytes = 240, SectionTable = Optional + OptionalBytes;
    private const int Relocations = 0x2000, ImageBytes = 0x4000;

    [Fact]
    public void Every_DIR64_place_is_moved_and_nothing_else()
    {
        byte[] image = NewImage();
        AddBlock(image, Relocations, 0x1000, 0xA010, 0xAFF8, 0x0000);
        AddBlock(image, Relocations + 16, 0x3000, 0xA008, 0x0000);
        SetDirectory(image, Relocations, 16 + 12);
        Put(image, 0x1010, 0x1_4000_1234);
        Put(image, 0x1FF8, 0x1_4000_0000);
        Put(image, 0x3008, ulong.MaxValue);
        byte[] expected = (byte[])image.Clone();
        Put(expected, 0x1010, 0x1_4000_1234 + 0x7000_0000);
        Put(expected, 0x1FF8, 0x1_4000_0000 + 0x7000_0000);
        Put(expected, 0x3008, 0x7000_0000 - 1);

        Assert.Equal(Status.Ok, PortableExecutable.Relocate(image, 0x7000_0000));
        Assert.Equal(expected, image);
    }

    [Fact]
    public void An_image_moved_there_and_back_is_the_same()
    {
        byte[] image = NewImage();
        AddBlock(image, Relocations, 0x1000, 0xA010, 0xA020, 0xA7F0, 0x0000);
        SetDirectory(image, Relocations, 16);
        new Random(1).NextBytes(image.AsSpan(0x1000, 0x1000));
        byte[] before = (byte[])image.Clone();
        Assert.Equal(Status.Ok, PortableExecutable.Relocate(image, 0x1234_5000));
        Assert.NotEqual(before, image);
        Assert.Equal(Status.Ok, PortableExecutable.Relocate(image, unchecked((ulong)-0x1234_5000L)));
        Assert.Equal(before, image);
    }

    [Theory]
    [InlineData(0x1000u, 0xAFFCu, false)]  // the last place of a page may reach into the next one
    [InlineData(0x3000u, 0xAFFCu, true)]   // but not past the image
    [InlineData(0xFFFF_F000u, 0xA000u, true)]
    [InlineData(0x1000u, 0x3010u, true)]   // HIGHLOW is no relocation of a 64-bit image
    public void Places_are_checked(uint page, uint entry, bool malformed)
    {
        byte[] image = NewImage();
        AddBlock(image, Relocations, page, (ushort)entry, 0);
        SetDirectory(image, Relocations, 12);
        Assert.Equal(malformed ? Status.Malformed : Status.Ok, PortableExecutable.Relocate(image, 0x1000));
    }

    [Theory]
    [InlineData(ImageBytes - 4, 8u)]
    [InlineData(Relocations, uint.MaxValue)]
    public void A_directory_outside_of_the_image_is_malformed(uint start, uint bytes)
    {
        byte[] image = NewImage();
        SetDirectory(image, start, bytes);
        Assert.Equal(Status.Malformed, PortableExecutable.Relocate(image, 0x1000));
    }

    [Theory]
    [InlineData(4u)]
    [InlineData(0u)]
    [InlineData(64u)]
    public void A_block_of_impossible_length_is_malformed(uint length)
    {
        byte[] image = NewImage();
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Relocations + 4), length);
        SetDirectory(image, Relocations, 12);
        Assert.Equal(Status.Malformed, PortableExecutable.Relocate(image, 0x1000));
    }

    [Fact]
    public void No_random_damage_reaches_outside_of_the_image()
    {
        var random = new Random(7);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] image = NewImage();
            AddBlock(image, Relocations, 0x1000, 0xA010, 0xA020, 0x0000);
            SetDirectory(image, Relocations, 16);
            for (int i = 0; i < 4; i++)
                image[round % 2 == 0 ? random.Next(SectionTable + 40) : Relocations + random.Next(16)] = (byte)random.Next(256);
            // An access outside of the span throws, and fails the test.
            _ = PortableExecutable.Relocate(image.AsSpan(0, random.Next(1, ImageBytes + 1)), 0x1000);
            _ = PortableExecutable.SectionAt(image, random.Next(-1, 5));
        }
    }

    [Fact]
    public void Sections_are_read_and_must_lie_in_the_image()
    {
        byte[] image = NewImage();
        Result<PortableExecutable.Section> section = PortableExecutable.SectionAt(image, 0);
        Assert.True(section.IsOk);
        Assert.Equal(0x1000u, section.Value.Offset);
        Assert.Equal(0x800u, section.Value.Bytes);
        Assert.Equal(PortableExecutable.SectionExecutable, section.Value.Characteristics);
        Assert.Equal((uint)ImageBytes, PortableExecutable.SizeOfImage(image).Value);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(SectionTable + 12), ImageBytes);
        Assert.Equal(Status.Malformed, PortableExecutable.SectionAt(image, 0).Status);
    }

    private static byte[] NewImage()
    {
        byte[] image = new byte[ImageBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(0x3C), Pe);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Pe), 0x4550);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Pe + 6), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Pe + 20), OptionalBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(Optional), 0x20B);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Optional + 56), ImageBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(SectionTable + 8), 0x800);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(SectionTable + 12), 0x1000);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(SectionTable + 36), PortableExecutable.SectionExecutable);
        return image;
    }

    private static void SetDirectory(byte[] image, uint start, uint bytes)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Optional + 112 + 40), start);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(Optional + 112 + 44), bytes);
    }

    private static void AddBlock(byte[] image, int at, uint page, params ushort[] entries)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at), page);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at + 4), (uint)(8 + entries.Length * 2 + 3) & ~3u);
        for (int i = 0; i < entries.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(at + 8 + i * 2), entries[i]);
    }

    private static void Put(byte[] image, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at), value);
}
