using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GraphicsMode
{
    public uint MaxMode;
    public uint Mode;
    public GraphicsModeInformation* Info;
    public ulong SizeOfInfo;
    public ulong FrameBufferBase;
    public ulong FrameBufferSize;
}
