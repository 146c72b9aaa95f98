namespace Hv.Kernel;

/// <summary>The outcome of an operation. Errors are values: no exception exists inside Hv.</summary>
public enum Status : byte
{
    /// <summary>The operation was carried out.</summary>
    Ok = 0,
    /// <summary>An argument is outside of what the callee accepts.</summary>
    InvalidArgument,
    /// <summary>The object is not in a state in which the operation is allowed.</summary>
    InvalidState,
    /// <summary>The named thing does not exist.</summary>
    NotFound,
    /// <summary>The processor, device or firmware lacks what is needed.</summary>
    Unsupported,
    /// <summary>No memory (bump heap or page pool) is left.</summary>
    OutOfMemory,
    /// <summary>A device did not answer within its time limit.</summary>
    Timeout,
    /// <summary>A device reported an error.</summary>
    DeviceError,
    /// <summary>A table or image has contents that contradict its format.</summary>
    Malformed,
    /// <summary>The address does not belong to memory that the caller may touch.</summary>
    BadAddress,
    /// <summary>The operation was started and completes later.</summary>
    Pending,
    /// <summary>The operation was given up on request.</summary>
    Aborted,
    /// <summary>What would be written may only be read.</summary>
    WriteProtected,
}
