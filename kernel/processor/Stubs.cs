using System.Runtime;
using System.Runtime.CompilerServices;

namespace Hv.Kernel.Processor;

/// <summary>The machine-code routines that <c>tools/stubs</c> assembles. Only the freestanding image can call them.</summary>
public static unsafe class Stubs
{
    /// <summary>Copies <paramref name="bytes"/> bytes; the two ranges may overlap.</summary>
    [RuntimeImport("HvMoveBytes"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void MoveBytes(byte* destination, byte* source, nuint bytes);

    /// <summary>Sets <paramref name="bytes"/> bytes to <paramref name="value"/>.</summary>
    [RuntimeImport("HvFillBytes"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void FillBytes(byte* destination, byte value, nuint bytes);

    /// <summary>IN, one byte.</summary>
    [RuntimeImport("HvIn8"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint In8(uint port);

    /// <summary>IN, two bytes.</summary>
    [RuntimeImport("HvIn16"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint In16(uint port);

    /// <summary>IN, four bytes.</summary>
    [RuntimeImport("HvIn32"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint In32(uint port);

    /// <summary>OUT, one byte.</summary>
    [RuntimeImport("HvOut8"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Out8(uint port, uint value);

    /// <summary>OUT, two bytes.</summary>
    [RuntimeImport("HvOut16"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Out16(uint port, uint value);

    /// <summary>OUT, four bytes.</summary>
    [RuntimeImport("HvOut32"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Out32(uint port, uint value);

    /// <summary>RDMSR; 0 if the processor refused with #GP, which needs Hv's own IDT to be loaded.</summary>
    [RuntimeImport("HvReadMsr"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadMsr(uint index, ulong* value);

    /// <summary>WRMSR; 0 if the processor refused with #GP, which needs Hv's own IDT to be loaded.</summary>
    [RuntimeImport("HvWriteMsr"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint WriteMsr(uint index, ulong value);

    /// <summary>Where RDMSR is, for the #GP handler.</summary>
    [RuntimeImport("HvReadMsrAccessAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadMsrAccessAddress();

    /// <summary>Where WRMSR is, for the #GP handler.</summary>
    [RuntimeImport("HvWriteMsrAccessAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong WriteMsrAccessAddress();

    /// <summary>Where a refused MSR access goes on.</summary>
    [RuntimeImport("HvMsrRefusedAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong MsrRefusedAddress();

    /// <summary>The record to which GS points.</summary>
    [RuntimeImport("HvCurrentProcessor"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern PerProcessor* CurrentProcessor();

    /// <summary>CPUID; the four results are EAX, EBX, ECX, EDX.</summary>
    [RuntimeImport("HvCpuid"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Cpuid(uint leaf, uint subleaf, uint* results);

    /// <summary>RDTSC.</summary>
    [RuntimeImport("HvReadTsc"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadTsc();

    /// <summary>XGETBV of XCR0.</summary>
    [RuntimeImport("HvReadXcr0"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadXcr0();

    /// <summary>XSETBV of XCR0; the value must be legal.</summary>
    [RuntimeImport("HvWriteXcr0"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteXcr0(ulong value);

    /// <summary>XSAVE to a 64-byte aligned area.</summary>
    [RuntimeImport("HvXsave"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Xsave(byte* area, ulong mask);

    /// <summary>XRSTOR from a 64-byte aligned area.</summary>
    [RuntimeImport("HvXrstor"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Xrstor(byte* area, ulong mask);

    /// <summary>FXSAVE to a 16-byte aligned area of 512 bytes.</summary>
    [RuntimeImport("HvFxsave"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Fxsave(byte* area);

    /// <summary>FXRSTOR from a 16-byte aligned area of 512 bytes.</summary>
    [RuntimeImport("HvFxrstor"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Fxrstor(byte* area);

    /// <summary>Reads CR0.</summary>
    [RuntimeImport("HvReadCr0"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadCr0();

    /// <summary>Writes CR0.</summary>
    [RuntimeImport("HvWriteCr0"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteCr0(ulong value);

    /// <summary>Reads CR2.</summary>
    [RuntimeImport("HvReadCr2"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadCr2();

    /// <summary>Writes CR2.</summary>
    [RuntimeImport("HvWriteCr2"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteCr2(ulong value);

    /// <summary>Reads CR3.</summary>
    [RuntimeImport("HvReadCr3"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadCr3();

    /// <summary>Writes CR3.</summary>
    [RuntimeImport("HvWriteCr3"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteCr3(ulong value);

    /// <summary>Reads CR4.</summary>
    [RuntimeImport("HvReadCr4"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadCr4();

    /// <summary>Writes CR4.</summary>
    [RuntimeImport("HvWriteCr4"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteCr4(ulong value);

    /// <summary>Reads DR6.</summary>
    [RuntimeImport("HvReadDr6"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadDr6();

    /// <summary>Writes DR6.</summary>
    [RuntimeImport("HvWriteDr6"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteDr6(ulong value);

    /// <summary>Reads DR7.</summary>
    [RuntimeImport("HvReadDr7"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadDr7();

    /// <summary>Writes DR7.</summary>
    [RuntimeImport("HvWriteDr7"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteDr7(ulong value);

    /// <summary>Reads DR0 to DR3.</summary>
    [RuntimeImport("HvReadDebugAddresses"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void ReadDebugAddresses(ulong* four);

    /// <summary>Writes DR0 to DR3.</summary>
    [RuntimeImport("HvWriteDebugAddresses"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteDebugAddresses(ulong* four);

    /// <summary>Reads RFLAGS.</summary>
    [RuntimeImport("HvReadFlags"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong ReadFlags();

    /// <summary>Writes RFLAGS.</summary>
    [RuntimeImport("HvWriteFlags"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteFlags(ulong value);

    /// <summary>SGDT to ten bytes.</summary>
    [RuntimeImport("HvStoreGdt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void StoreGdt(void* pseudoDescriptor);

    /// <summary>SIDT to ten bytes.</summary>
    [RuntimeImport("HvStoreIdt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void StoreIdt(void* pseudoDescriptor);

    /// <summary>LIDT from ten bytes.</summary>
    [RuntimeImport("HvLoadIdt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void LoadIdt(void* pseudoDescriptor);

    /// <summary>LGDT, then every segment register from the new table (FS and GS null).</summary>
    [RuntimeImport("HvLoadGdt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void LoadGdt(void* pseudoDescriptor, ulong code, ulong data);

    /// <summary>LTR.</summary>
    [RuntimeImport("HvLoadTaskRegister"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void LoadTaskRegister(ulong selector);

    /// <summary>The selector in CS.</summary>
    [RuntimeImport("HvReadCs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadCs();

    /// <summary>The selector in SS.</summary>
    [RuntimeImport("HvReadSs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadSs();

    /// <summary>The selector in DS.</summary>
    [RuntimeImport("HvReadDs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadDs();

    /// <summary>The selector in ES.</summary>
    [RuntimeImport("HvReadEs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadEs();

    /// <summary>The selector in FS.</summary>
    [RuntimeImport("HvReadFs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadFs();

    /// <summary>The selector in GS.</summary>
    [RuntimeImport("HvReadGs"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadGs();

    /// <summary>The selector in TR.</summary>
    [RuntimeImport("HvReadTr"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadTr();

    /// <summary>The selector in LDT.</summary>
    [RuntimeImport("HvReadLdt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint ReadLdt();

    /// <summary>PAUSE.</summary>
    [RuntimeImport("HvPause"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Pause();

    /// <summary>HLT.</summary>
    [RuntimeImport("HvHalt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Halt();

    /// <summary>SVM, with GIF = 0 before and after: waits in HLT until an NMI has come, and lets Hv's handler take it. One that waits already ends it at once.</summary>
    [RuntimeImport("HvHaltUntilNmi"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void HaltUntilNmi();

    /// <summary>Where its HLT is, for the NMI handler.</summary>
    [RuntimeImport("HvHaltUntilNmiAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong HaltUntilNmiAddress();

    /// <summary>SVM, with GIF = 0 before and after: lets Hv's handler take an NMI that waits.</summary>
    [RuntimeImport("HvTakeNmi"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void TakeNmi();

    /// <summary>CLI.</summary>
    [RuntimeImport("HvDisableInterrupts"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void DisableInterrupts();

    /// <summary>STI.</summary>
    [RuntimeImport("HvEnableInterrupts"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void EnableInterrupts();

    /// <summary>WBINVD.</summary>
    [RuntimeImport("HvWriteBackCaches"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void WriteBackCaches();

    /// <summary>Opens for one maskable interrupt; its handler returns with interrupts disabled.</summary>
    [RuntimeImport("HvTakeOneInterrupt"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void TakeOneInterrupt();

    /// <summary>The first of 256 interrupt entries, 16 bytes apart.</summary>
    [RuntimeImport("HvInterruptEntriesAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong InterruptEntriesAddress();

    /// <summary>VMLOAD, VMRUN, VMSAVE of the guest's VMCB, then VMLOAD of the host's. GIF is 0 before and after.</summary>
    [RuntimeImport("HvSvmRun"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void SvmRun(VcpuRegisters* registers, ulong guestVmcb, ulong hostVmcb);

    /// <summary>CLGI.</summary>
    [RuntimeImport("HvClearGlobalInterrupts"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void ClearGlobalInterrupts();

    /// <summary>STGI.</summary>
    [RuntimeImport("HvSetGlobalInterrupts"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void SetGlobalInterrupts();

    /// <summary>VMSAVE.</summary>
    [RuntimeImport("HvVmsave"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Vmsave(ulong vmcb);

    /// <summary>VMLAUNCH or VMRESUME: 0 after an exit, 1 if entry failed with an error number in the VMCS, 2 if there is no VMCS.</summary>
    [RuntimeImport("HvVmxEnter"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint VmxEnter(VcpuRegisters* registers, uint launched);

    /// <summary>What the VMCS names as host RIP.</summary>
    [RuntimeImport("HvVmxExitAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong VmxExitAddress();

    /// <summary>VMXON: 0, or an error as <see cref="VmxEnter"/> has.</summary>
    [RuntimeImport("HvVmxon"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Vmxon(ulong region);

    /// <summary>VMXOFF.</summary>
    [RuntimeImport("HvVmxoff"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern void Vmxoff();

    /// <summary>VMCLEAR.</summary>
    [RuntimeImport("HvVmclear"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Vmclear(ulong vmcs);

    /// <summary>VMPTRLD.</summary>
    [RuntimeImport("HvVmptrld"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Vmptrld(ulong vmcs);

    /// <summary>VMWRITE.</summary>
    [RuntimeImport("HvVmwrite"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Vmwrite(ulong field, ulong value);

    /// <summary>VMREAD.</summary>
    [RuntimeImport("HvVmread"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Vmread(ulong field, ulong* value);

    /// <summary>INVEPT.</summary>
    [RuntimeImport("HvInvept"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Invept(ulong type, ulong* descriptor);

    /// <summary>INVVPID.</summary>
    [RuntimeImport("HvInvvpid"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Invvpid(ulong type, ulong* descriptor);

    /// <summary>
    /// Writes <paramref name="value"/> (16 bits) to PM1 control with the stack pointer kept in <paramref name="stackSlot"/>: 1 once the machine has slept and the
    /// firmware has started the code of <see cref="WakeCodeAddress"/>, 0 if it goes on without that. After 1 nothing of the processor is set up but Hv's
    /// address space and a flat GDT of the wake page.
    /// </summary>
    [RuntimeImport("HvSleep"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint Sleep(ulong* stackSlot, uint controlPort, uint value, uint statusPort);

    /// <summary>Where the code of the wake page goes on, in <see cref="Sleep"/>.</summary>
    [RuntimeImport("HvWokenAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong WokenAddress();

    /// <summary>The code of the wake page: pieces for real, protected and long mode, 256 bytes apart.</summary>
    [RuntimeImport("HvWakeCodeAddress"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong WakeCodeAddress();

    /// <summary>Its length.</summary>
    [RuntimeImport("HvWakeCodeBytes"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern uint WakeCodeBytes();

    /// <summary>Calls <c>function(argument, stack pointer, address)</c> on another stack. Returns what it returns; all ones when a guest is entered at that address with that stack pointer.</summary>
    [RuntimeImport("HvLaunch"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Launch(void* function, void* argument, void* stackTop);

    /// <summary>VMCALL with the number in RAX and arguments in RDX, R8, R9.</summary>
    [RuntimeImport("HvVmcall"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Vmcall(ulong number, ulong first, ulong second, ulong third);

    /// <summary>VMMCALL with the number in RAX and arguments in RDX, R8, R9.</summary>
    [RuntimeImport("HvVmmcall"), MethodImpl(MethodImplOptions.InternalCall)]
    public static extern ulong Vmmcall(ulong number, ulong first, ulong second, ulong third);
}
