namespace Hv.Kernel.Vm;

/// <summary>Why a guest stopped, in words that both back-ends share.</summary>
public enum ExitReason : byte
{
    /// <summary>CPUID.</summary>
    Cpuid,
    /// <summary>RDMSR.</summary>
    MsrRead,
    /// <summary>WRMSR.</summary>
    MsrWrite,
    /// <summary>IN, OUT, INS or OUTS.</summary>
    PortAccess,
    /// <summary>The nested page table did not allow an access.</summary>
    NestedPageFault,
    /// <summary>HLT.</summary>
    Halt,
    /// <summary>MWAIT.</summary>
    MonitorWait,
    /// <summary>MONITOR.</summary>
    Monitor,
    /// <summary>XSETBV.</summary>
    Xsetbv,
    /// <summary>VMCALL or VMMCALL.</summary>
    Hypercall,
    /// <summary>Another instruction of VMX or SVM: the guest has neither.</summary>
    VirtualizationInstruction,
    /// <summary>INVD.</summary>
    InvalidateCaches,
    /// <summary>A physical interrupt is pending.</summary>
    ExternalInterrupt,
    /// <summary>A physical NMI.</summary>
    NonMaskableInterrupt,
    /// <summary>The guest can take an interrupt now, as was asked for.</summary>
    InterruptWindow,
    /// <summary>The time given to the guest is over.</summary>
    TimerExpired,
    /// <summary>Triple fault.</summary>
    TripleFault,
    /// <summary>INIT signal.</summary>
    Init,
    /// <summary>MOV to or from a control register (Intel, and only the bits that Hv owns).</summary>
    ControlRegister,
    /// <summary>MOV to or from CR8, the task priority (of a shadow, whose local APIC is virtual).</summary>
    TaskPriority,
    /// <summary>A task switch by hardware (Intel: exits always).</summary>
    TaskSwitch,
    /// <summary>The guest caused #GP, and will be given it (AMD).</summary>
    GeneralProtection,
    /// <summary>The processor did not accept the guest's state.</summary>
    EntryFailed,
    /// <summary>None: the guest was not entered, because its processor is wanted.</summary>
    Attention,
    /// <summary>An NMI between STI and the next instruction, on a processor that forgets at the next entry that interrupts are held back there.</summary>
    LostInterruptShadow,
    /// <summary>Anything else; the detail holds the processor's own number.</summary>
    Unknown,
    /// <summary>How many there are.</summary>
    Count,
}
