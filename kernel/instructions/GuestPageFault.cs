namespace Hv.Kernel.Instructions;

/// <summary>A page fault (vector 14) that the guest must get.</summary>
public struct GuestPageFault
{
    /// <summary>The linear address: what CR2 becomes.</summary>
    public GuestVirtual Address;

    /// <summary>The error code.</summary>
    public uint ErrorCode;
}
