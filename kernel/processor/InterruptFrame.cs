using System.Runtime.InteropServices;

namespace Hv.Kernel.Processor;

/// <summary>The stack at Hv's common interrupt entry (tools/stubs/FaultStubs): registers, then what the stub and the processor pushed.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct InterruptFrame
{
    /// <summary>The interrupted general-purpose registers (RSP is meaningless here, see <see cref="Rsp"/>).</summary>
    public GuestRegisters General;
    /// <summary>The vector.</summary>
    public ulong Vector;
    /// <summary>The error code, 0 for vectors without.</summary>
    public ulong ErrorCode;
    /// <summary>The interrupted instruction, Hv-virtual.</summary>
    public ulong Rip;
    /// <summary>The interrupted code segment.</summary>
    public ulong Cs;
    /// <summary>The interrupted flags.</summary>
    public ulong Rflags;
    /// <summary>The interrupted stack pointer.</summary>
    public ulong Rsp;
    /// <summary>The interrupted stack segment.</summary>
    public ulong Ss;
}
