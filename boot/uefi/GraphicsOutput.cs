using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_GRAPHICS_OUTPUT_PROTOCOL (UEFI 2.10, 12.9): where the frame buffer is.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GraphicsOutput
{
    public void* QueryMode;
    public void* SetMode;
    public void* Blt;
    public GraphicsMode* Mode;
}
