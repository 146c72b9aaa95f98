using System;
using System.IO;
using Hv.Drivers.Control;

namespace Hv.ShadowControl;

/// <summary>Takes a picture of what the shadow shows, or has shown last.</summary>
public sealed class ScreenPicture(ControlClient client)
{
    private const int SourceBytes = 4, ChunkBytes = 4096;
    private const uint MostPixels = 1 << 14;

    /// <summary>Writes the picture to <paramref name="path"/>, as PNG.</summary>
    /// <exception cref="ControlException">There is no screen, or the file cannot be written.</exception>
    public void Save(string path)
    {
        ScreenMode mode = client.Status().Screen;
        if (mode.Format is not (ScreenFormat.RedGreenBlue or ScreenFormat.BlueGreenRed) || mode.Width > mode.PixelsPerLine || mode.PixelsPerLine > MostPixels || mode.Height > MostPixels)
            throw new ControlException(ExitCode.Failed, "This machine's firmware has told Hv of no screen with pixels of 32 bits: there is nothing to see.");
        byte[] bytes = Read(mode.PixelsPerLine * mode.Height * SourceBytes);
        try
        {
            using FileStream file = File.Create(path);
            PngPicture.Write(file, (int)mode.Width, (int)mode.Height, (line, pixels) =>
                Convert(bytes.AsSpan((int)(line * mode.PixelsPerLine * SourceBytes), (int)mode.Width * SourceBytes), pixels, mode.Format));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new ControlException(ExitCode.Failed, $"'{path}' cannot be written: {problem.Message}");
        }
    }

    private byte[] Read(uint count)
    {
        byte[] bytes = new byte[count];
        for (int done = 0; done < bytes.Length;)
        {
            int read = client.ReadScreen((ulong)done, bytes.AsSpan(done, Math.Min(ChunkBytes, bytes.Length - done)));
            if (read == 0)
                break;
            done += read;
        }
        return bytes;
    }

    private static void Convert(ReadOnlySpan<byte> source, Span<byte> pixels, ScreenFormat format)
    {
        (int red, int blue) = format == ScreenFormat.RedGreenBlue ? (0, 2) : (2, 0);
        for (int from = 0, to = 0; from < source.Length; from += SourceBytes, to += PngPicture.PixelBytes)
        {
            pixels[to] = source[from + red];
            pixels[to + 1] = source[from + 1];
            pixels[to + 2] = source[from + blue];
        }
    }
}
