namespace Hv.Drivers.Nvme.Spec;

/// <summary>Opcodes of the admin command set (NVM Express 1.4, figures 139 and 140).</summary>
public static class NvmeAdminOpcode
{
    /// <summary>Delete I/O Submission Queue (5.6).</summary>
    public const byte DeleteSubmissionQueue = 0x00;
    /// <summary>Create I/O Submission Queue (5.4).</summary>
    public const byte CreateSubmissionQueue = 0x01;
    /// <summary>Get Log Page (5.14).</summary>
    public const byte GetLogPage = 0x02;
    /// <summary>Delete I/O Completion Queue (5.5).</summary>
    public const byte DeleteCompletionQueue = 0x04;
    /// <summary>Create I/O Completion Queue (5.3).</summary>
    public const byte CreateCompletionQueue = 0x05;
    /// <summary>Identify (5.15).</summary>
    public const byte Identify = 0x06;
    /// <summary>Abort (5.1).</summary>
    public const byte Abort = 0x08;
    /// <summary>Set Features (5.21).</summary>
    public const byte SetFeatures = 0x09;
    /// <summary>Get Features (5.13).</summary>
    public const byte GetFeatures = 0x0A;
    /// <summary>Asynchronous Event Request (5.2).</summary>
    public const byte AsyncEventRequest = 0x0C;
    /// <summary>Keep Alive (5.18).</summary>
    public const byte KeepAlive = 0x18;
    /// <summary>The first of the vendor-specific opcodes; they reach to FFh.</summary>
    public const byte VendorFirst = 0xC0;
}
