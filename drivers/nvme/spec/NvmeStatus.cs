namespace Hv.Drivers.Nvme.Spec;

/// <summary>
/// Status values of a completion: status code type in bits 10:8, status code in bits 7:0 (NVM Express 1.4, 4.6.1). In the queue entry
/// they stand one bit higher, above the phase tag.
/// </summary>
public static class NvmeStatus
{
    /// <summary>Successful completion.</summary>
    public const ushort Success = 0x000;
    /// <summary>Invalid command opcode.</summary>
    public const ushort InvalidOpcode = 0x001;
    /// <summary>Invalid field in command.</summary>
    public const ushort InvalidField = 0x002;
    /// <summary>Command ID conflict.</summary>
    public const ushort CommandIdConflict = 0x003;
    /// <summary>Data transfer error.</summary>
    public const ushort DataTransferError = 0x004;
    /// <summary>Internal error.</summary>
    public const ushort InternalError = 0x006;
    /// <summary>Command abort requested.</summary>
    public const ushort AbortRequested = 0x007;
    /// <summary>Command aborted due to submission queue deletion.</summary>
    public const ushort AbortedQueueDeletion = 0x008;
    /// <summary>Invalid namespace or format.</summary>
    public const ushort InvalidNamespace = 0x00B;
    /// <summary>Command sequence error.</summary>
    public const ushort CommandSequenceError = 0x00C;
    /// <summary>PRP offset invalid.</summary>
    public const ushort InvalidPrpOffset = 0x013;
    /// <summary>Namespace is write protected.</summary>
    public const ushort NamespaceWriteProtected = 0x020;
    /// <summary>LBA out of range.</summary>
    public const ushort LbaOutOfRange = 0x080;
    /// <summary>Capacity exceeded.</summary>
    public const ushort CapacityExceeded = 0x081;
    /// <summary>Namespace not ready.</summary>
    public const ushort NamespaceNotReady = 0x082;

    /// <summary>Command specific: completion queue invalid (Create I/O Submission Queue).</summary>
    public const ushort CompletionQueueInvalid = 0x100;
    /// <summary>Command specific: invalid queue identifier.</summary>
    public const ushort InvalidQueueId = 0x101;
    /// <summary>Command specific: invalid queue size.</summary>
    public const ushort InvalidQueueSize = 0x102;
    /// <summary>Command specific: abort command limit exceeded.</summary>
    public const ushort AbortLimitExceeded = 0x103;
    /// <summary>Command specific: asynchronous event request limit exceeded.</summary>
    public const ushort AsyncEventLimitExceeded = 0x105;
    /// <summary>Command specific: invalid interrupt vector.</summary>
    public const ushort InvalidInterruptVector = 0x108;
    /// <summary>Command specific: invalid log page.</summary>
    public const ushort InvalidLogPage = 0x109;
    /// <summary>Command specific: invalid queue deletion.</summary>
    public const ushort InvalidQueueDeletion = 0x10C;
    /// <summary>Command specific: feature identifier not saveable.</summary>
    public const ushort FeatureNotSaveable = 0x10D;
    /// <summary>Command specific: feature not changeable.</summary>
    public const ushort FeatureNotChangeable = 0x10E;
    /// <summary>Command specific: feature not namespace specific.</summary>
    public const ushort FeatureNotNamespaceSpecific = 0x10F;
    /// <summary>Command specific: conflicting attributes (NVM command set).</summary>
    public const ushort ConflictingAttributes = 0x180;
    /// <summary>Command specific: attempted write to read-only range (NVM command set).</summary>
    public const ushort ReadOnlyRange = 0x182;

    /// <summary>Media: write fault.</summary>
    public const ushort WriteFault = 0x280;
    /// <summary>Media: unrecovered read error.</summary>
    public const ushort UnrecoveredReadError = 0x281;
    /// <summary>Media: compare failure.</summary>
    public const ushort CompareFailure = 0x285;

    /// <summary>Do not retry: would fail again. Or-ed to a status value.</summary>
    public const ushort DoNotRetry = 0x4000;
    /// <summary>The status code type and the status code, without the flags above them.</summary>
    public const ushort CodeMask = 0x7FF;
}
