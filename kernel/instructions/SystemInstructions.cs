namespace Hv.Kernel.Instructions;

/// <summary>The part of <see cref="InstructionDecoder"/> for system instructions with a ModRM byte.</summary>
internal static class SystemInstructions
{
    /// <summary>0F 01h: group 7.</summary>
    public static bool Group7(ref InstructionReader reader, ref DecodedInstruction instruction)
    {
        byte modRm = reader.Byte();
        int field = (modRm >> 3) & 7;
        if (field == 6 || (field == 7 && modRm < 0xc0))
            return LmswOrInvlpg(ref reader, ref instruction, modRm, field);

        // With 66h, F2h or F3h some of these are other instructions; none has a meaning of its own that is of use here.
        if (reader.OperandSizePrefix || reader.Repeat != RepeatPrefix.None)
            return false;
        switch (modRm)
        {
            case 0xc1: return InstructionDecoder.Plain(ref instruction, Operation.Vmcall);
            case 0xc8: return InstructionDecoder.Plain(ref instruction, Operation.Monitor);
            case 0xc9: return InstructionDecoder.Plain(ref instruction, Operation.Mwait);
            case 0xd1: return InstructionDecoder.Plain(ref instruction, Operation.Xsetbv);
            case 0xd8: return InstructionDecoder.Plain(ref instruction, Operation.Vmrun);
            case 0xd9: return InstructionDecoder.Plain(ref instruction, Operation.Vmmcall);
            case 0xda: return InstructionDecoder.Plain(ref instruction, Operation.Vmload);
            case 0xdb: return InstructionDecoder.Plain(ref instruction, Operation.Vmsave);
            case 0xdc: return InstructionDecoder.Plain(ref instruction, Operation.Stgi);
            case 0xdd: return InstructionDecoder.Plain(ref instruction, Operation.Clgi);
            case 0xde: return InstructionDecoder.Plain(ref instruction, Operation.Skinit);
            case 0xdf: return InstructionDecoder.Plain(ref instruction, Operation.Invlpga);
            case 0xf9: return InstructionDecoder.Plain(ref instruction, Operation.Rdtscp);
            default: return false;
        }
    }

    private static bool LmswOrInvlpg(ref InstructionReader reader, ref DecodedInstruction instruction, byte modRm, int field)
    {
        instruction.Operation = field == 6 ? Operation.Lmsw : Operation.Invlpg;
        if (field == 6)
            instruction.OperandSize = 2;
        if (modRm >= 0xc0)
        {
            instruction.Form = OperandForm.Register;
            instruction.Register = (byte)((modRm & 7) | reader.RexB);
            return true;
        }
        instruction.Form = OperandForm.Memory;
        instruction.Memory = reader.Memory(modRm);
        if (field == 7)
            instruction.MemorySize = 1;
        return true;
    }

    /// <summary>0F 20h to 23h: MOV to and from control and debug registers. The mod field is ignored: the operand is always a register.</summary>
    public static bool MoveSystem(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation)
    {
        byte modRm = reader.Byte();
        int number = ((modRm >> 3) & 7) | reader.RexR;
        bool exists = operation == Operation.MovToControl || operation == Operation.MovFromControl
            ? number == 0 || (number >= 2 && number <= 4) || (number == 8 && reader.Mode == CodeSize.Bits64)
            : number < 8;
        if (!exists)
            return false;
        instruction.Operation = operation;
        instruction.Form = OperandForm.Register;
        instruction.OperandSize = (byte)(reader.Mode == CodeSize.Bits64 ? 8 : 4);
        instruction.SystemRegister = (byte)number;
        instruction.Register = (byte)((modRm & 7) | reader.RexB);
        return true;
    }

    /// <summary>66 0F 38 80h to 82h: INVEPT, INVVPID, INVPCID, a register with a 16-byte descriptor in memory.</summary>
    public static bool Invalidate(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation)
    {
        if (!reader.OperandSizePrefix || reader.Repeat != RepeatPrefix.None)
            return false;
        if (!InstructionDecoder.UnaryMemory(ref reader, ref instruction, out int register))
            return false;
        instruction.Operation = operation;
        instruction.Form = OperandForm.RegisterMemory;
        instruction.OperandSize = (byte)(reader.Mode == CodeSize.Bits64 ? 8 : 4);
        instruction.MemorySize = 16;
        instruction.Register = (byte)(register | reader.RexR);
        return true;
    }
}
