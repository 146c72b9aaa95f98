using System.Runtime.InteropServices;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Vm;

/// <summary>
/// Everything that a virtual processor is, apart from its devices and its extended state (x87, SSE, AVX ...): what a snapshot
/// keeps and what moves between the back-ends' control blocks and Hv.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct VcpuState
{
#pragma warning disable CS1591 // the registers are named as the manuals name them
    public VcpuRegisters Registers;
    public ulong Rip, Rflags;
    public ulong Cr0, Cr2, Cr3, Cr4, Dr6, Dr7, Efer;
    public fixed ulong DebugAddresses[4];
    public SegmentState Es, Cs, Ss, Ds, Fs, Gs, Ldtr, Tr, Gdtr, Idtr;
    public ulong SysenterCs, SysenterEsp, SysenterEip;
    public ulong Star, Lstar, Cstar, SyscallMask, KernelGsBase;
    public ulong Pat, TscAux, Xcr0;
#pragma warning restore CS1591

    /// <summary>The four page-directory-pointer entries that the processor holds while it pages with PAE outside long mode (Intel only).</summary>
    public fixed ulong PageDirectoryPointers[4];

    /// <summary>The guest does not take interrupts before its next instruction is done (after STI, MOV SS).</summary>
    public bool InterruptShadow;

    /// <summary>The guest is in its NMI handler: no other NMI before the next IRET.</summary>
    public bool NmiIsBlocked;
}
