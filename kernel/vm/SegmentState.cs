using System.Runtime.InteropServices;

namespace Hv.Kernel.Vm;

/// <summary>A segment register with its hidden part, laid out as in the VMCB (AMD APM vol. 2, table B-2).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct SegmentState
{
    /// <summary>Selector.</summary>
    public ushort Selector;
    /// <summary>Descriptor bits 55:52 and 47:40 side by side: type 3:0, S 4, DPL 6:5, P 7, AVL 8, L 9, D/B 10, G 11.</summary>
    public ushort Attributes;
    /// <summary>Limit in bytes, scaled already.</summary>
    public uint Limit;
    /// <summary>Base, guest-virtual.</summary>
    public ulong Base;

    /// <summary>Attribute bits.</summary>
    public const ushort AttributePresent = 1 << 7, AttributeLong = 1 << 9, AttributeDefault32 = 1 << 10, AttributeGranular = 1 << 11;

    /// <summary>Privilege level of the descriptor.</summary>
    public readonly byte PrivilegeLevel => (byte)(Attributes >> 5 & 3);
}
