using System.Runtime.InteropServices;

namespace Hv.Kernel.Processor;

/// <summary>
/// What the entry stubs load into the processor and the exit stubs take out of it, beyond VMCS and VMCB. The layout is known to
/// <c>tools/stubs</c>: the general registers, then XMM0 to XMM5 (C# code preserves the others by its calling convention).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct VcpuRegisters
{
    /// <summary>The general-purpose registers.</summary>
    public GuestRegisters General;

    /// <summary>XMM0 to XMM5, 16 bytes each.</summary>
    public fixed byte Xmm[6 * 16];
}
