using Hv.Kernel.Processor;

namespace Hv.Kernel.Instructions;

/// <summary>A stopped virtual processor, as far as its next instruction depends on it. Filled in from the VMCS or VMCB by the exit handler.</summary>
public unsafe struct InstructionContext
{
    /// <summary>The general-purpose registers, RSP included. Instructions that are carried out change them in place.</summary>
    public GuestRegisters* Registers;

    /// <summary>RIP.</summary>
    public ulong Rip;

    /// <summary>RFLAGS.</summary>
    public ulong Rflags;

    /// <summary>The segment bases.</summary>
    public SegmentBases Segments;

    /// <summary>How the processor translates addresses.</summary>
    public PagingState Paging;

    /// <summary>The mode, from CS.L and CS.D.</summary>
    public CodeSize Mode;

    /// <summary>The current privilege level, 0 to 3.</summary>
    public byte PrivilegeLevel;

    /// <summary>What the privilege level and RFLAGS.AC add to each access.</summary>
    public readonly GuestAccess Privilege =>
        PrivilegeLevel == 3 ? GuestAccess.User
        : (Rflags & Instructions.Rflags.AlignmentCheck) != 0 ? GuestAccess.SmapSuspended
        : GuestAccess.Read;

    /// <summary>The offset that <paramref name="memory"/> stands for, without the segment base.</summary>
    public readonly ulong EffectiveAddress(in DecodedInstruction instruction, in MemoryOperand memory)
    {
        ulong offset = (ulong)memory.Displacement;
        if (memory.Base != MemoryOperand.NoRegister)
            offset += Registers->Read(memory.Base);
        if (memory.Index != MemoryOperand.NoRegister)
            offset += Registers->Read(memory.Index) * memory.Scale;
        if (memory.RipRelative)
            offset += Rip + instruction.Length;
        return Truncate(offset, instruction.AddressSize);
    }

    /// <summary>The linear address of <paramref name="offset"/> in <paramref name="segment"/>.</summary>
    public readonly GuestVirtual Linear(SegmentRegister segment, ulong offset)
    {
        ulong linear = Segments.For(segment, Mode) + offset;
        return new GuestVirtual(Mode == CodeSize.Bits64 ? linear : (uint)linear);
    }

    /// <summary>RIP of the instruction after <paramref name="instruction"/>.</summary>
    public readonly ulong NextRip(in DecodedInstruction instruction)
    {
        ulong next = Rip + instruction.Length;
        return Mode == CodeSize.Bits64 ? next : (uint)next;
    }

    /// <summary>The low <paramref name="size"/> bytes (2, 4 or 8) of <paramref name="value"/>.</summary>
    internal static ulong Truncate(ulong value, int size) => size == 8 ? value : value & ((1ul << (size * 8)) - 1);
}
