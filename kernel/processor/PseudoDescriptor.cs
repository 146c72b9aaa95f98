using System.Runtime.InteropServices;

namespace Hv.Kernel.Processor;

/// <summary>What LGDT, LIDT, SGDT and SIDT read and write in 64-bit mode (Intel SDM vol. 3A, 3.5.1).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 2)]
public struct PseudoDescriptor
{
    /// <summary>Bytes of the table less one.</summary>
    public ushort Limit;
    /// <summary>Linear address of the table.</summary>
    public ulong Base;
}
