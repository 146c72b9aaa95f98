using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

/// <summary>The picture of a shadow's screen.</summary>
public sealed class ScreenTests : IDisposable
{
    private readonly FakeSystem _system = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "screen.png");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Theory]
    [InlineData(ScreenFormat.RedGreenBlue)]
    [InlineData(ScreenFormat.BlueGreenRed)]
    public void A_screen_becomes_a_picture(ScreenFormat format)
    {
        // Two pixels in a line are shown, the third one is not.
        byte[] first = [1, 2, 3, 0xFF], second = [4, 5, 6, 0], hidden = [7, 8, 9, 0];
        if (format == ScreenFormat.BlueGreenRed)
            (first, second) = ([3, 2, 1, 0xFF], [6, 5, 4, 0]);
        _system.Hypervisor.Screen = [.. first, .. second, .. hidden, .. second, .. first, .. hidden];
        _system.Hypervisor.Status.Screen = new ScreenMode { Width = 2, Height = 2, PixelsPerLine = 3, Format = format };
        Assert.Equal(ExitCode.Success, Run("screen", _path));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 0, 4, 5, 6, 1, 2, 3], Pixels(2, 2));
    }

    [Fact]
    public void What_Hv_does_not_have_is_black()
    {
        _system.Hypervisor.Screen = [1, 2, 3, 0];
        _system.Hypervisor.Status.Screen = new ScreenMode { Width = 2, Height = 1, PixelsPerLine = 2, Format = ScreenFormat.RedGreenBlue };
        Assert.Equal(ExitCode.Success, Run("screen", _path));
        Assert.Equal([0, 1, 2, 3, 0, 0, 0], Pixels(2, 1));
    }

    [Theory]
    [InlineData(0u, 0u, 0u, ScreenFormat.Unknown)]
    [InlineData(3u, 1u, 2u, ScreenFormat.RedGreenBlue)]
    [InlineData(1u, 1u << 20, 1u, ScreenFormat.RedGreenBlue)]
    [InlineData(1u, 1u, 1u << 20, ScreenFormat.RedGreenBlue)]
    [InlineData(1u, 1u, 1u, (ScreenFormat)7)]
    public void Without_a_screen_that_makes_sense_there_is_no_picture(uint width, uint height, uint pixelsPerLine, ScreenFormat format)
    {
        _system.Hypervisor.Status.Screen = new ScreenMode { Width = width, Height = height, PixelsPerLine = pixelsPerLine, Format = format };
        Assert.Equal(ExitCode.Failed, Run("screen", _path));
        Assert.Contains("there is nothing to see", _error.ToString(), StringComparison.Ordinal);
        Assert.False(File.Exists(_path));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_named()
    {
        _system.Hypervisor.Status.Screen = new ScreenMode { Width = 1, Height = 1, PixelsPerLine = 1, Format = ScreenFormat.RedGreenBlue };
        Assert.Equal(ExitCode.Failed, Run("screen", "/nowhere/screen.png"));
        Assert.Contains("'/nowhere/screen.png' cannot be written", _error.ToString(), StringComparison.Ordinal);
    }

    private int Run(params string[] arguments) => new CommandLine(_system, _output, _error).Run(arguments);

    // Takes the picture apart; every chunk's checksum must be right.
    private byte[] Pixels(int width, int height)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(_path);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10], file[..8].ToArray());
        byte[] data = [];
        string types = "";
        for (file = file[8..]; !file.IsEmpty;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(file);
            string type = Encoding.ASCII.GetString(file.Slice(4, 4));
            Assert.Equal(Crc32.HashToUInt32(file.Slice(4, 4 + length)), BinaryPrimitives.ReadUInt32BigEndian(file[(8 + length)..]));
            types += type + " ";
            if (type == "IHDR")
            {
                Assert.Equal(width, BinaryPrimitives.ReadInt32BigEndian(file[8..]));
                Assert.Equal(height, BinaryPrimitives.ReadInt32BigEndian(file[12..]));
                Assert.Equal([8, 2, 0, 0, 0], file.Slice(16, 5).ToArray());
            }
            if (type == "IDAT")
                data = file.Slice(8, length).ToArray();
            file = file[(12 + length)..];
        }
        Assert.Equal("IHDR IDAT IEND ", types);
        using var pixels = new MemoryStream();
        new ZLibStream(new MemoryStream(data), CompressionMode.Decompress).CopyTo(pixels);
        return pixels.ToArray();
    }
}
