namespace Hv.Kernel.Memory;

/// <summary>Memory types in the encoding that MTRRs and EPT share (Intel SDM vol. 3A, 12.11; vol. 3C, 29.3.7).</summary>
public enum MemoryType : byte
{
    /// <summary>UC.</summary>
    Uncacheable = 0,
    /// <summary>WC.</summary>
    WriteCombining = 1,
    /// <summary>WT.</summary>
    WriteThrough = 4,
    /// <summary>WP.</summary>
    WriteProtected = 5,
    /// <summary>WB.</summary>
    WriteBack = 6,
}
