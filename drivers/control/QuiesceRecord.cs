using System.Runtime.InteropServices;

namespace Hv.Drivers.Control;

/// <summary>How one passed-through PCI function was silenced at the last switch. 32 bytes, little-endian.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct QuiesceRecord
{
    /// <summary>Bytes.</summary>
    public const int Size = 32;

    /// <summary>Bus in bits 15:8, device in 7:3, function in 2:0.</summary>
    [FieldOffset(0)] public ushort Address;
    /// <summary>PCI vendor ID.</summary>
    [FieldOffset(2)] public ushort Vendor;
    /// <summary>PCI device ID.</summary>
    [FieldOffset(4)] public ushort Device;
    /// <summary>The resets that were tried, a set of ResetMethod.</summary>
    [FieldOffset(6)] public byte Tried;
    /// <summary>The reset that worked, a ResetMethod, or 0.</summary>
    [FieldOffset(7)] public byte Worked;
    /// <summary>1 if the function is quiet.</summary>
    [FieldOffset(8)] public byte IsQuiet;
    /// <summary>1 if its transactions did not end in time.</summary>
    [FieldOffset(9)] public byte WasStillPending;
    /// <summary>How long it took.</summary>
    [FieldOffset(16)] public ulong Nanoseconds;
}
