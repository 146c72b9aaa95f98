using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_GRAPHICS_OUTPUT_MODE_INFORMATION (UEFI 2.10, 12.9).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GraphicsModeInformation
{
    /// <summary>PixelRedGreenBlueReserved8BitPerColor and PixelBlueGreenRedReserved8BitPerColor.</summary>
    public const uint RedGreenBlue = 0, BlueGreenRed = 1;

    public uint Version;
    public uint HorizontalResolution;
    public uint VerticalResolution;
    public uint PixelFormat;
    public fixed uint PixelInformation[4];
    public uint PixelsPerScanLine;
}
