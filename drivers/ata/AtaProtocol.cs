namespace Hv.Drivers.Ata;

/// <summary>How the data of a command moves.</summary>
public enum AtaProtocol : byte
{
    /// <summary>There is none.</summary>
    NoData,
    /// <summary>Programmed I/O, from the disk.</summary>
    PioIn,
    /// <summary>Programmed I/O, to the disk.</summary>
    PioOut,
    /// <summary>DMA, from the disk.</summary>
    DmaIn,
    /// <summary>DMA, to the disk.</summary>
    DmaOut,
}
