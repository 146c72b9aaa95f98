namespace Hv.Kernel.Instructions;

/// <summary>What a decoded instruction does, by the manuals' mnemonics.</summary>
public enum Operation : byte
{
    /// <summary>Not decoded: not one of the instructions below, not a legal encoding of one, or not all of its bytes were given.</summary>
    Unsupported = 0,

    // Memory instructions, carried out by MmioEmulator.

    /// <summary>MOV between memory and a register or immediate, MOVNTI.</summary>
    Mov,
    /// <summary>MOVZX from memory.</summary>
    Movzx,
    /// <summary>MOVSX or MOVSXD from memory.</summary>
    Movsx,
    /// <summary>MOVBE.</summary>
    Movbe,
    /// <summary>ADD. The eight from here to CMP are in the order of their encoding.</summary>
    Add,
    /// <summary>OR.</summary>
    Or,
    /// <summary>ADC.</summary>
    Adc,
    /// <summary>SBB.</summary>
    Sbb,
    /// <summary>AND.</summary>
    And,
    /// <summary>SUB.</summary>
    Sub,
    /// <summary>XOR.</summary>
    Xor,
    /// <summary>CMP.</summary>
    Cmp,
    /// <summary>TEST.</summary>
    Test,
    /// <summary>INC.</summary>
    Inc,
    /// <summary>DEC.</summary>
    Dec,
    /// <summary>NOT.</summary>
    Not,
    /// <summary>NEG.</summary>
    Neg,
    /// <summary>BT. The four from here to BTC are in the order of their encoding.</summary>
    Bt,
    /// <summary>BTS.</summary>
    Bts,
    /// <summary>BTR.</summary>
    Btr,
    /// <summary>BTC.</summary>
    Btc,
    /// <summary>XCHG.</summary>
    Xchg,
    /// <summary>CMPXCHG.</summary>
    Cmpxchg,
    /// <summary>XADD.</summary>
    Xadd,
    /// <summary>MOVS: from <see cref="DecodedInstruction.Memory"/> (rSI) to ES:rDI.</summary>
    Movs,
    /// <summary>STOS: to ES:rDI.</summary>
    Stos,
    /// <summary>LODS: from <see cref="DecodedInstruction.Memory"/> (rSI).</summary>
    Lods,

    // Port instructions.

    /// <summary>IN.</summary>
    In,
    /// <summary>OUT.</summary>
    Out,
    /// <summary>INS: to ES:rDI.</summary>
    Ins,
    /// <summary>OUTS: from <see cref="DecodedInstruction.Memory"/> (rSI).</summary>
    Outs,

    // Instructions that a hypervisor intercepts; what matters is the length.

    /// <summary>CPUID.</summary>
    Cpuid,
    /// <summary>HLT.</summary>
    Hlt,
    /// <summary>PAUSE.</summary>
    Pause,
    /// <summary>RDMSR.</summary>
    Rdmsr,
    /// <summary>WRMSR.</summary>
    Wrmsr,
    /// <summary>RDPMC.</summary>
    Rdpmc,
    /// <summary>RDTSC.</summary>
    Rdtsc,
    /// <summary>RDTSCP.</summary>
    Rdtscp,
    /// <summary>INVD.</summary>
    Invd,
    /// <summary>WBINVD.</summary>
    Wbinvd,
    /// <summary>WBNOINVD.</summary>
    Wbnoinvd,
    /// <summary>XSETBV.</summary>
    Xsetbv,
    /// <summary>MONITOR.</summary>
    Monitor,
    /// <summary>MWAIT.</summary>
    Mwait,
    /// <summary>VMCALL.</summary>
    Vmcall,
    /// <summary>VMMCALL.</summary>
    Vmmcall,
    /// <summary>VMRUN.</summary>
    Vmrun,
    /// <summary>VMLOAD.</summary>
    Vmload,
    /// <summary>VMSAVE.</summary>
    Vmsave,
    /// <summary>STGI.</summary>
    Stgi,
    /// <summary>CLGI.</summary>
    Clgi,
    /// <summary>SKINIT.</summary>
    Skinit,
    /// <summary>INVLPGA.</summary>
    Invlpga,
    /// <summary>INVLPG.</summary>
    Invlpg,
    /// <summary>INVEPT.</summary>
    Invept,
    /// <summary>INVVPID.</summary>
    Invvpid,
    /// <summary>INVPCID.</summary>
    Invpcid,
    /// <summary>CLTS.</summary>
    Clts,
    /// <summary>LMSW.</summary>
    Lmsw,
    /// <summary>MOV to a control register.</summary>
    MovToControl,
    /// <summary>MOV from a control register.</summary>
    MovFromControl,
    /// <summary>MOV to a debug register.</summary>
    MovToDebug,
    /// <summary>MOV from a debug register.</summary>
    MovFromDebug,
}
