using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Hv.Bench;

/// <summary>A picture of a screen: red, green and blue, one byte each, line by line.</summary>
public sealed record ScreenImage(int Width, int Height, byte[] Pixels)
{
    private const int PixelBytes = 3;

    /// <summary>Pixels that are not black.</summary>
    public int Lit => Enumerable.Range(0, Width * Height).Count(i => Pixels.AsSpan(i * PixelBytes, PixelBytes).ContainsAnyExcept((byte)0));

    /// <summary>How many pixels differ; all if the sizes do.</summary>
    public int Differing(ScreenImage other) => (Width, Height) != (other.Width, other.Height)
        ? Math.Max(Width * Height, other.Width * other.Height)
        : Enumerable.Range(0, Width * Height).Count(i => !Pixels.AsSpan(i * PixelBytes, PixelBytes).SequenceEqual(other.Pixels.AsSpan(i * PixelBytes, PixelBytes)));

    /// <summary>Reads a picture as QEMU writes it (netpbm's PPM, P6, 255).</summary>
    public static ScreenImage ReadPpm(ReadOnlySpan<byte> file)
    {
        List<string> words = [];
        int at = 0;
        while (words.Count < 4)
        {
            int length = file[at..].IndexOfAny(" \n"u8);
            words.Add(Encoding.ASCII.GetString(file.Slice(at, length)));
            at += length + 1;
        }
        if (words[0] != "P6" || words[3] != "255")
            throw new BenchException("QEMU's picture of the screen is not one of the kind that is understood.");
        return new ScreenImage(int.Parse(words[1]), int.Parse(words[2]), file[at..].ToArray());
    }

    /// <summary>Reads a picture as 'shadowctl screen' writes it (PNG, true colour of 8 bits, no filters).</summary>
    public static ScreenImage ReadPng(ReadOnlySpan<byte> file)
    {
        int width = BinaryPrimitives.ReadInt32BigEndian(file[16..]), height = BinaryPrimitives.ReadInt32BigEndian(file[20..]);
        using MemoryStream compressed = new();
        for (int at = 8; at < file.Length; at += BinaryPrimitives.ReadInt32BigEndian(file[at..]) + 12)
        {
            if (file.Slice(at + 4, 4).SequenceEqual("IDAT"u8))
                compressed.Write(file.Slice(at + 8, BinaryPrimitives.ReadInt32BigEndian(file[at..])));
        }
        compressed.Position = 0;
        using MemoryStream lines = new();
        using (ZLibStream zlib = new(compressed, CompressionMode.Decompress))
            zlib.CopyTo(lines);
        byte[] pixels = new byte[width * height * PixelBytes];
        int lineBytes = width * PixelBytes;
        for (int line = 0; line < height; line++)
            lines.GetBuffer().AsSpan(line * (lineBytes + 1) + 1, lineBytes).CopyTo(pixels.AsSpan(line * lineBytes));
        return new ScreenImage(width, height, pixels);
    }
}
