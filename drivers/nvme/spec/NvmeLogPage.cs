namespace Hv.Drivers.Nvme.Spec;

/// <summary>Log page identifiers and sizes in bytes (NVM Express 1.4, figure 191).</summary>
public static class NvmeLogPage
{
    /// <summary>Error information (5.14.1.1).</summary>
    public const byte ErrorInformation = 0x01;
    /// <summary>SMART / health information (5.14.1.2).</summary>
    public const byte Smart = 0x02;
    /// <summary>Firmware slot information (5.14.1.3).</summary>
    public const byte FirmwareSlot = 0x03;
    /// <summary>Changed namespace list (5.14.1.4).</summary>
    public const byte ChangedNamespaces = 0x04;
    /// <summary>One entry of the error information log.</summary>
    public const int ErrorEntryBytes = 64;
    /// <summary>The SMART log, and the firmware slot log.</summary>
    public const int SmartBytes = 512;
    /// <summary>The changed namespace list.</summary>
    public const int ChangedNamespacesBytes = 4096;
}
