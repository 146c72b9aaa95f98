using System.Runtime.InteropServices;

namespace Hv.Boot.Uefi;

/// <summary>EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL (UEFI 2.10, 12.4).</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct SimpleTextOutput
{
#pragma warning disable CS1591 // named as the specification names them
    public void* Reset;
    public delegate* unmanaged<SimpleTextOutput*, char*, ulong> OutputString;
#pragma warning restore CS1591
}
