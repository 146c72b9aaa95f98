using System;
using Hv.Kernel.Instructions;
using Iced.Intel;
using IcedInstruction = Iced.Intel.Instruction;
using MemoryOperand = Hv.Kernel.Instructions.MemoryOperand;

namespace Hv.HostTests.Instructions;

/// <summary>What Iced says about an instruction, in the terms of <see cref="DecodedInstruction"/>.</summary>
internal static class IcedView
{
    /// <summary>Whether the decoder has to know this instruction.</summary>
    public static bool MustBeSupported(in IcedInstruction instruction)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Add or Mnemonic.Or or Mnemonic.Adc or Mnemonic.Sbb or Mnemonic.And or Mnemonic.Sub or Mnemonic.Xor or Mnemonic.Cmp:
            case Mnemonic.Test or Mnemonic.Inc or Mnemonic.Dec or Mnemonic.Not or Mnemonic.Neg or Mnemonic.Movzx or Mnemonic.Movsx:
            case Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc or Mnemonic.Xchg or Mnemonic.Cmpxchg or Mnemonic.Xadd:
            case Mnemonic.Movnti or Mnemonic.Movbe:
                // 82h is an alias of 80h outside of 64-bit mode that no assembler makes, F6h/F7h with field 1 one of TEST.
                return HasMemory(instruction) && !IsAlias(instruction.Code);
            case Mnemonic.Mov:
                for (int i = 0; i < instruction.OpCount; i++)
                {
                    if (instruction.GetOpKind(i) == OpKind.Register && instruction.GetOpRegister(i).IsSegmentRegister())
                        return false;
                }
                return HasMemory(instruction);
            case Mnemonic.Movsxd:
                return HasMemory(instruction) && instruction.Op0Register.GetSize() != 2;
            case Mnemonic.Movsb or Mnemonic.Movsw or Mnemonic.Movsq or Mnemonic.Stosb or Mnemonic.Stosw or Mnemonic.Stosd or Mnemonic.Stosq:
            case Mnemonic.Lodsb or Mnemonic.Lodsw or Mnemonic.Lodsd or Mnemonic.Lodsq:
            case Mnemonic.In or Mnemonic.Out or Mnemonic.Insb or Mnemonic.Insw or Mnemonic.Insd or Mnemonic.Outsb or Mnemonic.Outsw or Mnemonic.Outsd:
            case Mnemonic.Cpuid or Mnemonic.Hlt or Mnemonic.Rdmsr or Mnemonic.Wrmsr or Mnemonic.Rdpmc or Mnemonic.Rdtsc:
            case Mnemonic.Invd or Mnemonic.Wbinvd or Mnemonic.Wbnoinvd or Mnemonic.Clts or Mnemonic.Invlpg or Mnemonic.Lmsw:
                return true;
            default:
                return false;
        }
    }

    /// <summary>The first difference between the two decodings, or null.</summary>
    public static string? Difference(in DecodedInstruction ours, in IcedInstruction theirs, int bits)
    {
        if (ours.Length != theirs.Length)
            return $"length {ours.Length}, Iced {theirs.Length}";
        if (ours.Operation != NameOf(theirs))
            return $"operation {ours.Operation}, Iced {theirs.Mnemonic}";
        if (ours.Lock != theirs.HasLockPrefix)
            return "LOCK";

        switch (ours.Operation)
        {
            case Operation.Movs:
            case Operation.Stos:
            case Operation.Lods:
            case Operation.Ins:
            case Operation.Outs:
                return StringDifference(ours, theirs, bits);
            case Operation.In:
            case Operation.Out:
                return PortDifference(ours, theirs);
            case Operation.MovToControl:
            case Operation.MovToDebug:
                return SystemDifference(ours, theirs.Op0Register, theirs.Op1Register);
            case Operation.MovFromControl:
            case Operation.MovFromDebug:
                return SystemDifference(ours, theirs.Op1Register, theirs.Op0Register);
        }

        int memory = MemoryIndex(theirs);
        bool hasMemory = ours.Form is OperandForm.Memory or OperandForm.MemoryImmediate or OperandForm.MemoryRegister or OperandForm.RegisterMemory;
        if (hasMemory != memory >= 0)
            return "memory operand";
        if (ours.Form == OperandForm.Register)
            return ours.Register == theirs.Op0Register.GetNumber() ? null : "register";
        if (!hasMemory)
            return null;
        if (ours.MemorySize != theirs.MemorySize.GetSize() && ours.Operation != Operation.Invlpg)
            return $"memory size {ours.MemorySize}, Iced {theirs.MemorySize}";
        return MemoryDifference(ours, theirs, bits) ?? OperandDifference(ours, theirs, memory);
    }

    private static string? OperandDifference(in DecodedInstruction ours, in IcedInstruction theirs, int memory)
    {
        int other = 1 - memory;
        switch (ours.Form)
        {
            case OperandForm.Memory:
                return theirs.OpCount == 1 ? null : "operand count";
            case OperandForm.MemoryImmediate:
                if (memory != 0)
                    return "operand order";
                // Iced leaves the bit number unsigned; only its low bits count.
                ulong theirImmediate = theirs.GetImmediate(1);
                ulong mask = IsBitOperation(ours.Operation) ? 0xff : Ones(ours.OperandSize);
                return ours.OperandSize == theirs.MemorySize.GetSize() && (ours.Immediate & mask) == (theirImmediate & mask) ? null : "immediate";
            default:
                bool commutes = ours.Operation is Operation.Xchg or Operation.Test;
                if (!commutes && (memory == 0) != (ours.Form == OperandForm.MemoryRegister))
                    return "operand order";
                Register register = theirs.GetOpRegister(other);
                bool high = register is Register.AH or Register.BH or Register.CH or Register.DH;
                int number = high ? register - Register.AH : register.GetFullRegister().GetNumber();
                if (ours.HighByte != high || ours.Register != number)
                    return $"register {ours.Register}, Iced {register}";
                return ours.OperandSize == register.GetSize() ? null : "operand size";
        }
    }

    private static bool IsBitOperation(Operation operation) => operation is Operation.Bt or Operation.Bts or Operation.Btr or Operation.Btc;

    private static string? MemoryDifference(in DecodedInstruction ours, in IcedInstruction theirs, int bits)
    {
        MemoryOperand memory = ours.Memory;
        if ((int)memory.Segment != theirs.MemorySegment - Register.ES)
        {
            bool both = bits == 64 && memory.Segment < SegmentRegister.Fs && theirs.MemorySegment < Register.FS;
            if (!both)
                return $"segment {memory.Segment}, Iced {theirs.MemorySegment}";
        }
        Register theirBase = theirs.MemoryBase;
        if (theirs.IsIPRelativeMemoryOperand)
        {
            int size = theirBase == Register.EIP ? 4 : 8;
            ulong target = (ulong)memory.Displacement + ours.Length;
            return memory.RipRelative && memory.Base == MemoryOperand.NoRegister && ours.AddressSize == size
                && (target & Ones(size)) == theirs.IPRelativeMemoryAddress ? null : "RIP-relative address";
        }
        if (memory.RipRelative)
            return "RIP-relative";
        if (memory.Base != Number(theirBase))
            return $"base {memory.Base}, Iced {theirBase}";
        if (memory.Index != Number(theirs.MemoryIndex))
            return $"index {memory.Index}, Iced {theirs.MemoryIndex}";
        if (memory.Index != MemoryOperand.NoRegister && memory.Scale != theirs.MemoryIndexScale)
            return "scale";
        if (theirBase != Register.None && theirBase.GetSize() != ours.AddressSize)
            return "address size";
        ulong mask = Ones(ours.AddressSize);
        return ((ulong)memory.Displacement & mask) == (theirs.MemoryDisplacement64 & mask) ? null : "displacement";
    }

    private static string? StringDifference(in DecodedInstruction ours, in IcedInstruction theirs, int bits)
    {
        if ((ours.Repeat == RepeatPrefix.Rep) != theirs.HasRepPrefix || (ours.Repeat == RepeatPrefix.Repne) != theirs.HasRepnePrefix)
            return "repeat prefix";
        if (ours.MemorySize != theirs.MemorySize.GetSize() || ours.OperandSize != ours.MemorySize)
            return "size";
        int memory = ours.Operation is Operation.Movs or Operation.Lods or Operation.Outs ? 1 : 0;
        OpKind kind = theirs.GetOpKind(memory);
        int addressSize = kind switch
        {
            OpKind.MemorySegSI or OpKind.MemoryESDI => 2,
            OpKind.MemorySegESI or OpKind.MemoryESEDI => 4,
            OpKind.MemorySegRSI or OpKind.MemoryESRDI => 8,
            _ => 0,
        };
        bool source = kind is OpKind.MemorySegSI or OpKind.MemorySegESI or OpKind.MemorySegRSI;
        if (ours.AddressSize != addressSize || ours.Memory.Base != (source ? 6 : 7) || source != (memory == 1))
            return $"address {ours.AddressSize}/{ours.Memory.Base}, Iced {kind}";
        if (!source)
            return ours.Memory.Segment == SegmentRegister.Es ? null : "segment";
        bool both = bits == 64 && ours.Memory.Segment < SegmentRegister.Fs && theirs.MemorySegment < Register.FS;
        return both || (int)ours.Memory.Segment == theirs.MemorySegment - Register.ES ? null : "segment";
    }

    private static string? PortDifference(in DecodedInstruction ours, in IcedInstruction theirs)
    {
        bool input = ours.Operation == Operation.In;
        Register accumulator = input ? theirs.Op0Register : theirs.Op1Register;
        if (ours.OperandSize != accumulator.GetSize())
            return "size";
        bool immediate = (input ? theirs.Op1Kind : theirs.Op0Kind) == OpKind.Immediate8;
        if (immediate != (ours.Form == OperandForm.Immediate))
            return "form";
        return !immediate || ours.Immediate == theirs.Immediate8 ? null : "port";
    }

    private static string? SystemDifference(in DecodedInstruction ours, Register system, Register general)
    {
        return ours.SystemRegister == system.GetNumber() && ours.Register == general.GetNumber() && ours.OperandSize == general.GetSize()
            ? null : "registers";
    }

    private static Operation NameOf(in IcedInstruction instruction)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Mov:
                return SystemMove(instruction);
            case Mnemonic.Movnti:
                return Operation.Mov;
            case Mnemonic.Movsxd:
                return Operation.Movsx;
            case Mnemonic.Movsb or Mnemonic.Movsw or Mnemonic.Movsd or Mnemonic.Movsq:
                return Operation.Movs;
            case Mnemonic.Stosb or Mnemonic.Stosw or Mnemonic.Stosd or Mnemonic.Stosq:
                return Operation.Stos;
            case Mnemonic.Lodsb or Mnemonic.Lodsw or Mnemonic.Lodsd or Mnemonic.Lodsq:
                return Operation.Lods;
            case Mnemonic.Insb or Mnemonic.Insw or Mnemonic.Insd:
                return Operation.Ins;
            case Mnemonic.Outsb or Mnemonic.Outsw or Mnemonic.Outsd:
                return Operation.Outs;
            default:
                return Enum.TryParse(instruction.Mnemonic.ToString(), out Operation operation) ? operation : Operation.Unsupported;
        }
    }

    private static Operation SystemMove(in IcedInstruction instruction)
    {
        if (instruction.Op0Kind == OpKind.Register && instruction.Op1Kind == OpKind.Register)
        {
            if (instruction.Op0Register.IsCR())
                return Operation.MovToControl;
            if (instruction.Op1Register.IsCR())
                return Operation.MovFromControl;
            if (instruction.Op0Register.IsDR())
                return Operation.MovToDebug;
            if (instruction.Op1Register.IsDR())
                return Operation.MovFromDebug;
        }
        return Operation.Mov;
    }

    private static bool HasMemory(in IcedInstruction instruction) => MemoryIndex(instruction) >= 0;

    private static int MemoryIndex(in IcedInstruction instruction)
    {
        for (int i = 0; i < instruction.OpCount; i++)
        {
            if (instruction.GetOpKind(i) == OpKind.Memory)
                return i;
        }
        return -1;
    }

    private static bool IsAlias(Code code) => code.ToOpCode() is { OpCode: 0x82 } or { OpCode: 0xf6 or 0xf7, GroupIndex: 1 };

    private static byte Number(Register register) => register == Register.None ? MemoryOperand.NoRegister : (byte)register.GetNumber();

    private static ulong Ones(int size) => size == 8 ? ulong.MaxValue : (1ul << (size * 8)) - 1;
}
