namespace Hv.Drivers.Ata;

/// <summary>A command with its parameters, however it gets to the disk: by registers or in a frame.</summary>
public struct AtaTaskFile
{
    /// <summary>The first sector.</summary>
    public ulong Lba;
    /// <summary>Number of sectors; 0 stands for 256, or 65536 in a 48-bit command.</summary>
    public ushort Count;
    /// <summary>A code of <see cref="AtaCommand"/>.</summary>
    public byte Command;
    /// <summary>Whether it has 48 bits of address and 16 of count, else 28 and 8.</summary>
    public bool Is48;
    /// <summary>How data moves.</summary>
    public AtaProtocol Protocol;

    /// <summary>Whether data moves to the disk.</summary>
    public readonly bool IsWrite => Protocol is AtaProtocol.PioOut or AtaProtocol.DmaOut;

    /// <summary>The device register without the number of the drive; in 28-bit commands it has bits 27:24 of the address.</summary>
    public readonly byte Device => (byte)(AtaCommand.DeviceLba | (Is48 ? 0 : (byte)(Lba >> 24) & 0xF));
}
