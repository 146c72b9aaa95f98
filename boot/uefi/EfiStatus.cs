namespace Hv.Boot.Uefi;

/// <summary>EFI_STATUS values that Hv gives or looks at (UEFI 2.10, appendix D); errors have the top bit set.</summary>
public static class EfiStatus
{
#pragma warning disable CS1591 // named as the specification names them
    public const ulong Success = 0;
    public const ulong Error = 1ul << 63;
    public const ulong InvalidParameter = Error | 2;
    public const ulong Unsupported = Error | 3;
    public const ulong BadBufferSize = Error | 4;
    public const ulong BufferTooSmall = Error | 5;
    public const ulong DeviceError = Error | 7;
    public const ulong OutOfResources = Error | 9;
    public const ulong NotFound = Error | 14;
#pragma warning restore CS1591

    /// <summary>Whether a status is an error.</summary>
    public static bool IsError(ulong status) => (status & Error) != 0;
}
