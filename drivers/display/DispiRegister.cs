namespace Hv.Drivers.Display;

/// <summary>
/// The Bochs display interface (Bochs, "VBE Display API", DISPI): 16-bit registers behind an index port and a data port, which the emulated VGA cards of
/// Bochs and QEMU have.
/// </summary>
public static class DispiRegister
{
    /// <summary>Port of the index.</summary>
    public const ushort IndexPort = 0x1CE;
    /// <summary>Port of the register that the index names.</summary>
    public const ushort DataPort = 0x1CF;

    /// <summary>The interface's version, <see cref="IdBase"/> and a number below 16.</summary>
    public const ushort Id = 0;
    /// <summary>Pixels in a line that are shown.</summary>
    public const ushort Width = 1;
    /// <summary>Lines that are shown.</summary>
    public const ushort Height = 2;
    /// <summary>Bits in a pixel.</summary>
    public const ushort Depth = 3;
    /// <summary>Control: <see cref="Enabled"/> and its kind. Width, height and depth can be written only while it is off.</summary>
    public const ushort Enable = 4;
    /// <summary>The bank of the window at A0000h.</summary>
    public const ushort Bank = 5;
    /// <summary>Pixels from one line to the next. Set anew by switching on.</summary>
    public const ushort VirtualWidth = 6;
    /// <summary>The first pixel of a line that is shown. Set anew by switching on.</summary>
    public const ushort OffsetX = 8;
    /// <summary>The first line that is shown. Set anew by switching on.</summary>
    public const ushort OffsetY = 9;

    /// <summary>The part of <see cref="Id"/> that is the same in all versions.</summary>
    public const ushort IdBase = 0xB0C0;
    /// <summary>The bits of <see cref="Id"/> that are the version.</summary>
    public const ushort IdVersion = 0xF;

    /// <summary>In <see cref="Enable"/>: the mode is on, in place of VGA's.</summary>
    public const ushort Enabled = 1 << 0;
    /// <summary>In <see cref="Enable"/>, when written: the frame buffer keeps its contents.</summary>
    public const ushort KeepsMemory = 1 << 7;
}
