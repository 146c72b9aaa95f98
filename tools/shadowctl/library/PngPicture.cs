using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;

namespace Hv.ShadowControl;

/// <summary>Writes a picture as PNG (W3C Portable Network Graphics, third edition): 8 bits for each of red, green and blue, not interlaced.</summary>
public static class PngPicture
{
    /// <summary>Bytes of a pixel.</summary>
    public const int PixelBytes = 3;

    private const int HeaderBytes = 13, ChecksumBytes = 4;
    private const byte BitsPerSample = 8, TrueColour = 2, NoFilter = 0;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>Gives line <paramref name="number"/> of a picture, <see cref="PixelBytes"/> for each pixel.</summary>
    public delegate void LineSource(int number, Span<byte> pixels);

    /// <summary>Writes a picture of <paramref name="width"/> times <paramref name="height"/> pixels.</summary>
    public static void Write(Stream stream, int width, int height, LineSource lines)
    {
        stream.Write(Signature);
        byte[] header = new byte[HeaderBytes];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = BitsPerSample;
        header[9] = TrueColour;
        WriteChunk(stream, "IHDR"u8, header);
        WriteChunk(stream, "IDAT"u8, Compress(width, height, lines));
        WriteChunk(stream, "IEND"u8, []);
    }

    private static byte[] Compress(int width, int height, LineSource lines)
    {
        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(data, CompressionLevel.Optimal))
        {
            byte[] line = new byte[1 + width * PixelBytes];
            line[0] = NoFilter;
            for (int i = 0; i < height; i++)
            {
                lines(i, line.AsSpan(1));
                zlib.Write(line);
            }
        }
        return data.ToArray();
    }

    // Length, type, data, and the checksum of type and data.
    private static void WriteChunk(Stream stream, ReadOnlySpan<byte> type, byte[] data)
    {
        Span<byte> number = stackalloc byte[ChecksumBytes];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        stream.Write(number);
        stream.Write(type);
        stream.Write(data);
        var checksum = new Crc32();
        checksum.Append(type);
        checksum.Append(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, checksum.GetCurrentHashAsUInt32());
        stream.Write(number);
    }
}
