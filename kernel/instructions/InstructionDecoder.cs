using System;

namespace Hv.Kernel.Instructions;

/// <summary>
/// Decodes the instructions that reach memory-mapped registers, and those that are intercepted (Intel SDM vol. 2, AMD APM vol. 3).
/// Anything else, and anything the manuals call undefined, is <see cref="Operation.Unsupported"/>: the decoder never guesses.
/// </summary>
/// <remarks>Keeps no state; a guest may feed it anything.</remarks>
public static class InstructionDecoder
{
    /// <summary>The longest instruction the processor accepts, in bytes.</summary>
    public const int MaximumLength = 15;

    /// <summary>Decodes the instruction that starts at the first of <paramref name="bytes"/>; bytes beyond the fifteenth are ignored.</summary>
    public static DecodedInstruction Decode(ReadOnlySpan<byte> bytes, CodeSize mode)
    {
        var reader = new InstructionReader(bytes, mode);
        DecodedInstruction instruction = default;
        byte opcode = reader.Prefixes();
        instruction.AddressSize = reader.AddressSize;
        instruction.OperandSize = reader.OperandSize;

        bool decoded = opcode == 0x0f
            ? SecondMap(ref reader, ref instruction)
            : FirstMap(ref reader, ref instruction, opcode);
        if (!decoded || reader.Truncated || (reader.Lock && !AllowsLock(in instruction)))
            return default;

        instruction.Lock = reader.Lock;
        instruction.Length = (byte)reader.Position;
        if (instruction.MemorySize == 0)
            instruction.MemorySize = instruction.OperandSize;
        return instruction;
    }

    private static bool AllowsLock(in DecodedInstruction instruction)
    {
        if (instruction.Form != OperandForm.MemoryRegister && instruction.Form != OperandForm.MemoryImmediate
            && instruction.Form != OperandForm.Memory)
            return false;
        switch (instruction.Operation)
        {
            case Operation.Add:
            case Operation.Or:
            case Operation.Adc:
            case Operation.Sbb:
            case Operation.And:
            case Operation.Sub:
            case Operation.Xor:
            case Operation.Inc:
            case Operation.Dec:
            case Operation.Not:
            case Operation.Neg:
            case Operation.Bts:
            case Operation.Btr:
            case Operation.Btc:
            case Operation.Xchg:
            case Operation.Cmpxchg:
            case Operation.Xadd:
                return true;
            default:
                return false;
        }
    }

    private static bool FirstMap(ref InstructionReader reader, ref DecodedInstruction instruction, byte opcode)
    {
        // Eight rows of four: op r/m8,r8; op r/m,r; op r8,r/m8; op r,r/m.
        if (opcode < 0x40 && (opcode & 7) < 4)
        {
            ByteSizeUnless(ref instruction, (opcode & 1) != 0);
            OperandForm form = (opcode & 2) == 0 ? OperandForm.MemoryRegister : OperandForm.RegisterMemory;
            return MemoryAndRegister(ref reader, ref instruction, Offset(Operation.Add, opcode >> 3), form);
        }

        bool full = (opcode & 1) != 0;
        switch (opcode)
        {
            case 0x63:
                return Movsxd(ref reader, ref instruction);
            case 0x6c:
            case 0x6d:
                return StringPort(ref reader, ref instruction, Operation.Ins, full);
            case 0x6e:
            case 0x6f:
                return StringPort(ref reader, ref instruction, Operation.Outs, full);
            case 0x80:
            case 0x81:
            case 0x83:
                return ImmediateArithmetic(ref reader, ref instruction, opcode);
            case 0x84:
            case 0x85:
                ByteSizeUnless(ref instruction, full);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Test, OperandForm.MemoryRegister);
            case 0x86:
            case 0x87:
                ByteSizeUnless(ref instruction, full);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Xchg, OperandForm.MemoryRegister);
            case 0x88:
            case 0x89:
                ByteSizeUnless(ref instruction, full);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Mov, OperandForm.MemoryRegister);
            case 0x8a:
            case 0x8b:
                ByteSizeUnless(ref instruction, full);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Mov, OperandForm.RegisterMemory);
            case 0x90:
                return reader.Repeat == RepeatPrefix.Rep && reader.RexB == 0 && Plain(ref instruction, Operation.Pause);
            case 0xa0:
            case 0xa1:
                return AbsoluteOffset(ref reader, ref instruction, OperandForm.RegisterMemory, full);
            case 0xa2:
            case 0xa3:
                return AbsoluteOffset(ref reader, ref instruction, OperandForm.MemoryRegister, full);
            case 0xa4:
            case 0xa5:
                return String(ref reader, ref instruction, Operation.Movs, full);
            case 0xaa:
            case 0xab:
                return String(ref reader, ref instruction, Operation.Stos, full);
            case 0xac:
            case 0xad:
                return String(ref reader, ref instruction, Operation.Lods, full);
            case 0xc6:
            case 0xc7:
                ByteSizeUnless(ref instruction, full);
                return UnaryMemory(ref reader, ref instruction, out int move) && move == 0
                    && WithImmediate(ref reader, ref instruction, Operation.Mov);
            case 0xe4:
            case 0xe5:
            case 0xec:
            case 0xed:
                return Port(ref reader, ref instruction, Operation.In, full, (opcode & 8) == 0);
            case 0xe6:
            case 0xe7:
            case 0xee:
            case 0xef:
                return Port(ref reader, ref instruction, Operation.Out, full, (opcode & 8) == 0);
            case 0xf4:
                return Plain(ref instruction, Operation.Hlt);
            case 0xf6:
            case 0xf7:
                ByteSizeUnless(ref instruction, full);
                return UnaryArithmetic(ref reader, ref instruction);
            case 0xfe:
            case 0xff:
                ByteSizeUnless(ref instruction, full);
                if (!UnaryMemory(ref reader, ref instruction, out int step) || step > 1)
                    return false;
                instruction.Operation = step == 0 ? Operation.Inc : Operation.Dec;
                return true;
            default:
                return false;
        }
    }

    private static bool SecondMap(ref InstructionReader reader, ref DecodedInstruction instruction)
    {
        byte opcode = reader.Byte();
        bool full = (opcode & 1) != 0;
        switch (opcode)
        {
            case 0x01:
                return SystemInstructions.Group7(ref reader, ref instruction);
            case 0x06:
                return Plain(ref instruction, Operation.Clts);
            case 0x08:
                return Plain(ref instruction, Operation.Invd);
            case 0x09:
                return Plain(ref instruction, reader.Repeat == RepeatPrefix.Rep ? Operation.Wbnoinvd : Operation.Wbinvd);
            case 0x20:
                return SystemInstructions.MoveSystem(ref reader, ref instruction, Operation.MovFromControl);
            case 0x21:
                return SystemInstructions.MoveSystem(ref reader, ref instruction, Operation.MovFromDebug);
            case 0x22:
                return SystemInstructions.MoveSystem(ref reader, ref instruction, Operation.MovToControl);
            case 0x23:
                return SystemInstructions.MoveSystem(ref reader, ref instruction, Operation.MovToDebug);
            case 0x30:
                return Plain(ref instruction, Operation.Wrmsr);
            case 0x31:
                return Plain(ref instruction, Operation.Rdtsc);
            case 0x32:
                return Plain(ref instruction, Operation.Rdmsr);
            case 0x33:
                return Plain(ref instruction, Operation.Rdpmc);
            case 0x38:
                return ThirdMap(ref reader, ref instruction);
            case 0xa2:
                return Plain(ref instruction, Operation.Cpuid);
            case 0xa3:
            case 0xab:
            case 0xb3:
            case 0xbb:
                return MemoryAndRegister(ref reader, ref instruction, Offset(Operation.Bt, (opcode >> 3) & 3), OperandForm.MemoryRegister);
            case 0xba:
                if (!UnaryMemory(ref reader, ref instruction, out int bit) || bit < 4)
                    return false;
                instruction.Operation = Offset(Operation.Bt, bit & 3);
                instruction.Form = OperandForm.MemoryImmediate;
                instruction.Immediate = (ulong)reader.Signed(1);
                return true;
            case 0xb0:
            case 0xb1:
                ByteSizeUnless(ref instruction, full);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Cmpxchg, OperandForm.MemoryRegister);
            case 0xc0:
            case 0xc1:
                ByteSizeUnless(ref instruction, full);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Xadd, OperandForm.MemoryRegister);
            case 0xb6:
            case 0xb7:
                instruction.MemorySize = (byte)(full ? 2 : 1);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Movzx, OperandForm.RegisterMemory);
            case 0xbe:
            case 0xbf:
                instruction.MemorySize = (byte)(full ? 2 : 1);
                return MemoryAndRegister(ref reader, ref instruction, Operation.Movsx, OperandForm.RegisterMemory);
            case 0xc3:
                // MOVNTI: 66h, F2h and F3h are undefined.
                return !reader.OperandSizePrefix && reader.Repeat == RepeatPrefix.None && NoWordSize(ref reader, ref instruction)
                    && MemoryAndRegister(ref reader, ref instruction, Operation.Mov, OperandForm.MemoryRegister);
            default:
                return false;
        }
    }

    private static bool ThirdMap(ref InstructionReader reader, ref DecodedInstruction instruction)
    {
        byte opcode = reader.Byte();
        switch (opcode)
        {
            case 0x80:
            case 0x81:
            case 0x82:
                return SystemInstructions.Invalidate(ref reader, ref instruction, Offset(Operation.Invept, opcode - 0x80));
            case 0xf0:
            case 0xf1:
                // With F2h this is CRC32, with F3h undefined.
                return reader.Repeat == RepeatPrefix.None && MemoryAndRegister(ref reader, ref instruction, Operation.Movbe,
                    opcode == 0xf0 ? OperandForm.RegisterMemory : OperandForm.MemoryRegister);
            default:
                return false;
        }
    }

    private static Operation Offset(Operation first, int number) => (Operation)((int)first + number);

    internal static bool Plain(ref DecodedInstruction instruction, Operation operation)
    {
        instruction.Operation = operation;
        return true;
    }

    private static void ByteSizeUnless(ref DecodedInstruction instruction, bool full)
    {
        if (!full)
            instruction.OperandSize = 1;
    }

    // For instructions without a 16-bit form.
    private static bool NoWordSize(ref InstructionReader reader, ref DecodedInstruction instruction)
    {
        instruction.OperandSize = (byte)(reader.RexW ? 8 : 4);
        return true;
    }

    private static bool MemoryAndRegister(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation, OperandForm form)
    {
        if (!UnaryMemory(ref reader, ref instruction, out int register))
            return false;
        instruction.Operation = operation;
        instruction.Form = form;
        if (instruction.OperandSize == 1 && !reader.HasRex && register >= 4)
        {
            instruction.HighByte = true;
            instruction.Register = (byte)(register - 4);
        }
        else
        {
            instruction.Register = (byte)(register | reader.RexR);
        }
        return true;
    }

    // Reads a ModRM byte and its memory operand; gives the reg field. False if the operand is a register.
    internal static bool UnaryMemory(ref InstructionReader reader, ref DecodedInstruction instruction, out int field)
    {
        byte modRm = reader.Byte();
        field = (modRm >> 3) & 7;
        if (modRm >= 0xc0)
            return false;
        instruction.Form = OperandForm.Memory;
        instruction.Memory = reader.Memory(modRm);
        return true;
    }

    private static bool WithImmediate(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation)
    {
        instruction.Operation = operation;
        instruction.Form = OperandForm.MemoryImmediate;
        instruction.Immediate = reader.Immediate(instruction.OperandSize);
        return true;
    }

    private static bool ImmediateArithmetic(ref InstructionReader reader, ref DecodedInstruction instruction, byte opcode)
    {
        ByteSizeUnless(ref instruction, opcode != 0x80);
        if (!UnaryMemory(ref reader, ref instruction, out int field))
            return false;
        instruction.Operation = Offset(Operation.Add, field);
        instruction.Form = OperandForm.MemoryImmediate;
        instruction.Immediate = reader.Immediate(opcode == 0x81 ? instruction.OperandSize : 1);
        return true;
    }

    private static bool UnaryArithmetic(ref InstructionReader reader, ref DecodedInstruction instruction)
    {
        if (!UnaryMemory(ref reader, ref instruction, out int field))
            return false;
        switch (field)
        {
            case 0:
                return WithImmediate(ref reader, ref instruction, Operation.Test);
            case 2:
                return Plain(ref instruction, Operation.Not);
            case 3:
                return Plain(ref instruction, Operation.Neg);
            default:
                return false;
        }
    }

    private static bool Movsxd(ref InstructionReader reader, ref DecodedInstruction instruction)
    {
        // ARPL outside of 64-bit mode. How much a 16-bit MOVSXD reads differs between Intel and AMD.
        if (reader.Mode != CodeSize.Bits64 || instruction.OperandSize == 2)
            return false;
        instruction.MemorySize = 4;
        return MemoryAndRegister(ref reader, ref instruction, Operation.Movsx, OperandForm.RegisterMemory);
    }

    private static bool AbsoluteOffset(ref InstructionReader reader, ref DecodedInstruction instruction, OperandForm form, bool full)
    {
        ByteSizeUnless(ref instruction, full);
        instruction.Operation = Operation.Mov;
        instruction.Form = form;
        instruction.Memory = ImpliedMemory(ref reader, MemoryOperand.NoRegister);
        instruction.Memory.Displacement = (long)reader.Unsigned(reader.AddressSize);
        return true;
    }

    private static bool String(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation, bool full)
    {
        const byte Si = 6, Di = 7;
        ByteSizeUnless(ref instruction, full);
        instruction.Operation = operation;
        instruction.Repeat = reader.Repeat;
        bool toDestination = operation == Operation.Stos || operation == Operation.Ins;
        instruction.Memory = ImpliedMemory(ref reader, toDestination ? Di : Si);
        if (toDestination)
            instruction.Memory.Segment = SegmentRegister.Es;
        return true;
    }

    private static MemoryOperand ImpliedMemory(ref InstructionReader reader, byte register)
    {
        MemoryOperand memory = default;
        memory.Base = register;
        memory.Index = MemoryOperand.NoRegister;
        memory.Scale = 1;
        memory.Segment = reader.HasSegment ? reader.Segment : SegmentRegister.Ds;
        return memory;
    }

    private static bool StringPort(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation, bool full)
    {
        PortSize(ref instruction);
        return String(ref reader, ref instruction, operation, full);
    }

    private static bool Port(ref InstructionReader reader, ref DecodedInstruction instruction, Operation operation, bool full, bool immediate)
    {
        PortSize(ref instruction);
        ByteSizeUnless(ref instruction, full);
        instruction.Operation = operation;
        if (immediate)
        {
            instruction.Form = OperandForm.Immediate;
            instruction.Immediate = reader.Byte();
        }
        return true;
    }

    // Ports are at most 4 bytes wide: REX.W means nothing to them.
    private static void PortSize(ref DecodedInstruction instruction)
    {
        if (instruction.OperandSize == 8)
            instruction.OperandSize = 4;
    }
}
