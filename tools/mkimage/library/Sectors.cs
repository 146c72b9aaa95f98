using System.IO;

namespace Hv.Imaging;

/// <summary>Whole 512-byte sectors of a stream.</summary>
internal static class Sectors
{
    /// <summary>The sector size of every image made here, in bytes.</summary>
    public const int Size = 512;

    public static void Write(Stream stream, ulong sector, byte[] bytes)
    {
        stream.Position = checked((long)(sector * Size));
        stream.Write(bytes);
    }

    public static byte[] Read(Stream stream, ulong sector, int count)
    {
        if (sector + (ulong)count > (ulong)stream.Length / Size)
            throw new ImageException($"The image ends before sector {sector + (ulong)count}.");
        byte[] bytes = new byte[count * Size];
        stream.Position = (long)(sector * Size);
        stream.ReadExactly(bytes);
        return bytes;
    }
}
