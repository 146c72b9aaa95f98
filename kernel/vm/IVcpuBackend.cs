using Hv.Kernel.Processor;
using Hv.Kernel.Instructions;

namespace Hv.Kernel.Vm;

/// <summary>
/// What VT-x and AMD-V have in common: one virtual processor's control block. Implemented by structs only, and used through
/// generic constraints, so that each call is direct. All members run on the processor that owns the control block.
/// </summary>
public unsafe interface IVcpuBackend
{
    /// <summary>
    /// Everything for <see cref="Run"/> that an NMI must not come in between: once the processor counts as in a guest, an NMI to Hv makes the coming entry exit at once.
    /// </summary>
    void Prepare(VcpuRegisters* registers);

    /// <summary>
    /// Enters the guest after <see cref="Prepare"/> and returns at its next exit. RSP, RAX, RIP and RFLAGS are valid in between. An NMI that made it exit has been
    /// taken: as a kick of Hv's, or as one that the primary is to get (<see cref="PerProcessor"/>).
    /// </summary>
    void Run(VcpuRegisters* registers, ref VmExit exit);

    /// <summary>Waits, in the place of <see cref="Run"/> and with the guest's state as INIT leaves it, until an NMI comes; that is taken.</summary>
    void WaitForNmi(VcpuRegisters* registers, ref VmExit exit);

    /// <summary>The guest's RIP.</summary>
    ulong Rip { get; set; }

    /// <summary>The guest's RFLAGS.</summary>
    ulong Rflags { get; set; }

    /// <summary>The guest's CR0.</summary>
    ulong Cr0 { get; }

    /// <summary>The guest's CR4.</summary>
    ulong Cr4 { get; }

    /// <summary>The guest's EFER.</summary>
    ulong Efer { get; set; }

    /// <summary>The guest's privilege level.</summary>
    byte PrivilegeLevel { get; }

    /// <summary>Fills in what the decoder must know, the registers apart.</summary>
    void Describe(ref InstructionContext context);

    /// <summary>Reads the whole state out of the control block (and the processor, for what lives there).</summary>
    void Save(ref VcpuState state);

    /// <summary>Puts a whole state into the control block.</summary>
    void Load(in VcpuState state);

    /// <summary>Gives the guest an exception at its next entry.</summary>
    void InjectException(byte vector, bool hasErrorCode, uint errorCode);

    /// <summary>Gives the guest an external interrupt at its next entry; it must be able to take it.</summary>
    void InjectInterrupt(byte vector);

    /// <summary>Gives the guest an NMI at its next entry; it must be able to take it.</summary>
    void InjectNmi();

    /// <summary>Whether the guest could take an NMI at its next entry.</summary>
    bool CanTakeNmi { get; }

    /// <summary>Exit when the guest may be able to take an NMI.</summary>
    void SetNmiWindow(bool exit);

    /// <summary>Whether an event is to be given at the next entry already.</summary>
    bool HasEvent { get; }

    /// <summary>Whether the guest could take an external interrupt at its next entry.</summary>
    bool CanTakeInterrupt { get; }

    /// <summary>Exit as soon as the guest can take an interrupt.</summary>
    void SetInterruptWindow(bool exit);

    /// <summary>Ends the shadow that STI and MOV SS cast on interrupts, as an emulated instruction does.</summary>
    void ClearInterruptShadow();

    /// <summary>Gives the guest the debug exception by which an instruction ends while RFLAGS.TF is set.</summary>
    void RaiseSingleStep();

    /// <summary>Whether HLT and MWAIT exit.</summary>
    void SetHaltExiting(bool exit);

    /// <summary>Whether physical interrupts exit, rather than going to the guest.</summary>
    void SetInterruptExiting(bool exit);

    /// <summary>Which nested page table is used.</summary>
    void SetNestedRoot(HostPhysical root);

    /// <summary>Forgets every cached translation of the nested page table in use.</summary>
    void FlushNested();

    /// <summary>Exit after about this many TSC ticks; all ones: never.</summary>
    void SetPreemption(ulong ticks);

    /// <summary>
    /// What exits: of a primary only what Hv must hide; of a shadow every port, every MSR that is not switched with it, every interrupt.
    /// Ends interrupt windows and preemption, and sets halt exiting for a shadow.
    /// </summary>
    void SetRole(bool shadow);

    /// <summary>Puts on this processor what the control block does not carry (current VMCS, system-call MSRs).</summary>
    void Activate();

    /// <summary>Takes back what <see cref="Activate"/> put there.</summary>
    void Deactivate();

    /// <summary>
    /// Leaves nothing of the control block in the processor, which is about to lose its power. The next <see cref="Run"/> starts with what is in memory; a
    /// <see cref="Load"/> comes before it if the power was lost.
    /// </summary>
    void LeaveProcessor();

    /// <summary>Whether <see cref="SetPreemption"/> may be used with the primary, too: the processor has a timer of its own for it.</summary>
    bool HasPreemptionTimer { get; }

    /// <summary>The local APIC has requests that have not made a guest exit: makes the processor look at them again.</summary>
    void FindRequests();

    /// <summary>Sets CR2, as a page fault does.</summary>
    void SetPageFaultAddress(GuestVirtual address);
}
