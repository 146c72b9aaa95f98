using System.Runtime.InteropServices;

namespace Hv.Drivers.Control;

/// <summary>How one passed-through PCI function can be silenced, and how it was at the last switch. 16 bytes, little-endian.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct QuiesceRecord
{
    /// <summary>Bytes.</summary>
    public const int Size = 16;

    /// <summary>Bus in bits 15:8, device in 7:3, function in 2:0.</summary>
    [FieldOffset(0)] public ushort Address;
    /// <summary>PCI vendor ID.</summary>
    [FieldOffset(2)] public ushort Vendor;
    /// <summary>PCI device ID.</summary>
    [FieldOffset(4)] public ushort Device;
    /// <summary>Base class in bits 15:8, subclass in bits 7:0.</summary>
    [FieldOffset(6)] public ushort Class;
    /// <summary>The resets that it offers, a set of ResetMethod.</summary>
    [FieldOffset(8)] public byte Offered;
    /// <summary>The resets that were tried, a set of ResetMethod.</summary>
    [FieldOffset(9)] public byte Tried;
    /// <summary>The reset that worked, a ResetMethod, or 0.</summary>
    [FieldOffset(10)] public byte Worked;
    /// <summary>How it went.</summary>
    [FieldOffset(11)] public QuiesceFlags Flags;
    /// <summary>How long it took.</summary>
    [FieldOffset(12)] public uint Microseconds;

    /// <summary>Whether a flag is set.</summary>
    public readonly bool Has(QuiesceFlags flag) => (Flags & flag) != 0;
}
