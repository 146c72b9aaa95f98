using System.Runtime.InteropServices;

namespace Hv.Drivers.Control;

/// <summary>What the bytes of a frame buffer mean.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct ScreenMode
{
    /// <summary>Pixels in a line that are shown.</summary>
    public uint Width;
    /// <summary>Lines.</summary>
    public uint Height;
    /// <summary>Pixels from one line to the next.</summary>
    public uint PixelsPerLine;
    /// <summary>A pixel's bytes.</summary>
    public ScreenFormat Format;
}
