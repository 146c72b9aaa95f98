using System.Buffers.Binary;
using System.IO.Compression;
using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>Pictures of screens are read and compared.</summary>
public sealed class ScreenImageTests
{
    // Two pixels beside each other, two lines: black, red, green, blue.
    private static readonly byte[] Pixels = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];

    [Fact]
    public void The_two_kinds_of_files_give_the_same_picture()
    {
        ScreenImage ppm = ScreenImage.ReadPpm([.. "P6\n2 2\n255\n"u8, .. Pixels]), png = ScreenImage.ReadPng(Png());
        Assert.Equal((2, 2), (ppm.Width, ppm.Height));
        Assert.Equal(Pixels, ppm.Pixels);
        Assert.Equal(Pixels, png.Pixels);
        Assert.Equal(0, ppm.Differing(png));
        Assert.Equal(3, ppm.Lit);
    }

    [Fact]
    public void Differences_are_counted_by_pixels_and_another_size_is_another_picture()
    {
        ScreenImage picture = ScreenImage.ReadPng(Png());
        byte[] changed = [.. Pixels];
        changed[4] = changed[5] = 1;
        Assert.Equal(1, picture.Differing(new ScreenImage(2, 2, changed)));
        Assert.Equal(4, picture.Differing(new ScreenImage(1, 2, Pixels[..6])));
    }

    private static byte[] Png()
    {
        byte[] header = new byte[13];
        header[3] = header[7] = 2;
        using MemoryStream data = new();
        using (ZLibStream zlib = new(data, CompressionLevel.Fastest))
            zlib.Write([0, .. Pixels[..6], 0, .. Pixels[6..]]);
        return [0x89, .. "PNG\r\n"u8, 0x1A, 0x0A, .. Chunk("IHDR"u8, header), .. Chunk("IDAT"u8, data.ToArray()), .. Chunk("IEND"u8, [])];
    }

    private static byte[] Chunk(ReadOnlySpan<byte> type, byte[] data)
    {
        byte[] length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        return [.. length, .. type, .. data, 0, 0, 0, 0];
    }
}
