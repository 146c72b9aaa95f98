namespace Hv.Kernel.Instructions;

/// <summary>The kind of an access to a page, with the values of the page-fault error code (Intel SDM vol. 3A, 4.7).</summary>
public enum GuestAccess : uint
{
    /// <summary>A data read by the supervisor.</summary>
    Read = 0,
    /// <summary>A data write.</summary>
    Write = 1 << 1,
    /// <summary>An access at privilege level 3.</summary>
    User = 1 << 2,
    /// <summary>An instruction fetch.</summary>
    Fetch = 1 << 4,
    /// <summary>RFLAGS.AC is set, so SMAP does not hold. Not part of the error code.</summary>
    SmapSuspended = 1u << 31,
}
