namespace Hv.Drivers.Ata;

/// <summary>Command codes (ATA/ATAPI Command Set 3, clause 7), and the registers' bits (ATA8-APT, clause 7).</summary>
public static class AtaCommand
{
    /// <summary>READ SECTOR(S), 28-bit, programmed I/O.</summary>
    public const byte ReadSectors = 0x20;
    /// <summary>READ SECTOR(S) EXT, 48-bit, programmed I/O.</summary>
    public const byte ReadSectorsExt = 0x24;
    /// <summary>READ DMA EXT, 48-bit.</summary>
    public const byte ReadDmaExt = 0x25;
    /// <summary>WRITE SECTOR(S), 28-bit, programmed I/O.</summary>
    public const byte WriteSectors = 0x30;
    /// <summary>WRITE SECTOR(S) EXT, 48-bit, programmed I/O.</summary>
    public const byte WriteSectorsExt = 0x34;
    /// <summary>WRITE DMA EXT, 48-bit.</summary>
    public const byte WriteDmaExt = 0x35;
    /// <summary>WRITE DMA FUA EXT, 48-bit.</summary>
    public const byte WriteDmaFuaExt = 0x3D;
    /// <summary>READ DMA, 28-bit.</summary>
    public const byte ReadDma = 0xC8;
    /// <summary>WRITE DMA, 28-bit.</summary>
    public const byte WriteDma = 0xCA;
    /// <summary>FLUSH CACHE.</summary>
    public const byte FlushCache = 0xE7;
    /// <summary>FLUSH CACHE EXT.</summary>
    public const byte FlushCacheExt = 0xEA;
    /// <summary>IDENTIFY DEVICE.</summary>
    public const byte IdentifyDevice = 0xEC;

    /// <summary>Status: an error; the error register says which.</summary>
    public const byte StatusError = 1 << 0;
    /// <summary>Status: data is to be transferred.</summary>
    public const byte StatusDataRequest = 1 << 3;
    /// <summary>Status: the device cannot go on.</summary>
    public const byte StatusDeviceFault = 1 << 5;
    /// <summary>Status: ready for commands.</summary>
    public const byte StatusReady = 1 << 6;
    /// <summary>Status: busy; no other bit or register counts.</summary>
    public const byte StatusBusy = 1 << 7;

    /// <summary>Device register: addresses are logical blocks.</summary>
    public const byte DeviceLba = 1 << 6;
    /// <summary>Device register: drive 1 instead of drive 0.</summary>
    public const byte DeviceSecond = 1 << 4;
    /// <summary>Device register: bits that old drives want set.</summary>
    public const byte DeviceObsolete = 0xA0;

    /// <summary>Device control: interrupts are off.</summary>
    public const byte ControlNoInterrupts = 1 << 1;
    /// <summary>Device control: resets both drives of the channel.</summary>
    public const byte ControlSoftReset = 1 << 2;
}
