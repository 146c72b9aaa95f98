namespace Hv.Drivers.Nvme.Spec;

/// <summary>Opcodes of the NVM command set (NVM Express 1.4, figure 346).</summary>
public static class NvmeIoOpcode
{
    /// <summary>Flush (6.8).</summary>
    public const byte Flush = 0x00;
    /// <summary>Write (6.15).</summary>
    public const byte Write = 0x01;
    /// <summary>Read (6.9).</summary>
    public const byte Read = 0x02;
    /// <summary>Write Uncorrectable (6.16).</summary>
    public const byte WriteUncorrectable = 0x04;
    /// <summary>Compare (6.6).</summary>
    public const byte Compare = 0x05;
    /// <summary>Write Zeroes (6.17).</summary>
    public const byte WriteZeroes = 0x08;
    /// <summary>Dataset Management (6.7).</summary>
    public const byte DatasetManagement = 0x09;
}
