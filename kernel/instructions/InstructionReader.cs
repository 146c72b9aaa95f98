using System;

namespace Hv.Kernel.Instructions;

/// <summary>Reads the bytes of one instruction: prefixes, opcode, operand bytes. Going past the end is remembered, not an error at once.</summary>
internal ref struct InstructionReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;

    /// <summary>The mode.</summary>
    public readonly CodeSize Mode;
    /// <summary>Whether bytes were asked for that are not there.</summary>
    public bool Truncated;
    /// <summary>Whether a 66h prefix was met.</summary>
    public bool OperandSizePrefix;
    /// <summary>Whether a 67h prefix was met.</summary>
    public bool AddressSizePrefix;
    /// <summary>Whether a LOCK prefix was met.</summary>
    public bool Lock;
    /// <summary>The last of the F2h and F3h prefixes.</summary>
    public RepeatPrefix Repeat;
    /// <summary>Whether <see cref="Segment"/> holds an override that counts.</summary>
    public bool HasSegment;
    /// <summary>The segment override.</summary>
    public SegmentRegister Segment;
    /// <summary>Whether a REX prefix is in force.</summary>
    public bool HasRex;
    /// <summary>The REX prefix, or 0.</summary>
    public byte Rex;
    /// <summary>The address size in bytes.</summary>
    public byte AddressSize;
    /// <summary>The operand size in bytes of an instruction that is not a byte instruction.</summary>
    public byte OperandSize;

    public InstructionReader(ReadOnlySpan<byte> bytes, CodeSize mode)
    {
        _bytes = bytes.Length > InstructionDecoder.MaximumLength ? bytes.Slice(0, InstructionDecoder.MaximumLength) : bytes;
        Mode = mode;
    }

    /// <summary>How many bytes have been read.</summary>
    public readonly int Position => _position;

    /// <summary>REX.W.</summary>
    public readonly bool RexW => (Rex & 8) != 0;
    /// <summary>REX.R as bit 3 of a register number.</summary>
    public readonly int RexR => (Rex & 4) << 1;
    /// <summary>REX.X as bit 3 of a register number.</summary>
    public readonly int RexX => (Rex & 2) << 2;
    /// <summary>REX.B as bit 3 of a register number.</summary>
    public readonly int RexB => (Rex & 1) << 3;

    /// <summary>The next byte, or 0 if there is none.</summary>
    public byte Byte()
    {
        if (_position >= _bytes.Length)
        {
            Truncated = true;
            return 0;
        }
        return _bytes[_position++];
    }

    /// <summary>The next <paramref name="size"/> bytes (1, 2, 4 or 8), little-endian, zero-extended.</summary>
    public ulong Unsigned(int size)
    {
        ulong value = 0;
        for (int i = 0; i < size; i++)
            value |= (ulong)Byte() << (8 * i);
        return value;
    }

    /// <summary>The next <paramref name="size"/> bytes (1, 2, 4 or 8), little-endian, sign-extended.</summary>
    public long Signed(int size)
    {
        int unused = 64 - size * 8;
        return (long)(Unsigned(size) << unused) >> unused;
    }

    /// <summary>An immediate of the size that goes with <paramref name="operandSize"/>: at most 4 bytes, sign-extended.</summary>
    public ulong Immediate(int operandSize) => (ulong)Signed(operandSize > 4 ? 4 : operandSize);

    /// <summary>Reads all prefixes and returns the first opcode byte (Intel SDM vol. 2A, 2.1.1 and 2.2.1).</summary>
    public byte Prefixes()
    {
        while (true)
        {
            byte next = Byte();
            if (Mode == CodeSize.Bits64 && (next & 0xf0) == 0x40)
            {
                // In force only right before the opcode: any prefix after it cancels it.
                Rex = next;
                HasRex = true;
                continue;
            }
            switch (next)
            {
                case 0x66: OperandSizePrefix = true; break;
                case 0x67: AddressSizePrefix = true; break;
                case 0xf0: Lock = true; break;
                case 0xf2: Repeat = RepeatPrefix.Repne; break;
                case 0xf3: Repeat = RepeatPrefix.Rep; break;
                case 0x26: Override(SegmentRegister.Es); break;
                case 0x2e: Override(SegmentRegister.Cs); break;
                case 0x36: Override(SegmentRegister.Ss); break;
                case 0x3e: Override(SegmentRegister.Ds); break;
                case 0x64: Override(SegmentRegister.Fs); break;
                case 0x65: Override(SegmentRegister.Gs); break;
                default:
                    SetSizes();
                    return next;
            }
            Rex = 0;
            HasRex = false;
        }
    }

    private void Override(SegmentRegister segment)
    {
        // In 64-bit mode the other four are null prefixes, which leave an earlier FS or GS in force.
        if (Mode == CodeSize.Bits64 && segment < SegmentRegister.Fs)
            return;
        HasSegment = true;
        Segment = segment;
    }

    private void SetSizes()
    {
        if (Mode == CodeSize.Bits64)
        {
            AddressSize = (byte)(AddressSizePrefix ? 4 : 8);
            OperandSize = (byte)(RexW ? 8 : OperandSizePrefix ? 2 : 4);
        }
        else
        {
            bool wide = Mode == CodeSize.Bits32;
            AddressSize = (byte)(wide != AddressSizePrefix ? 4 : 2);
            OperandSize = (byte)(wide != OperandSizePrefix ? 4 : 2);
        }
    }

    /// <summary>Reads what follows a ModRM byte with mod other than 3: SIB and displacement.</summary>
    public MemoryOperand Memory(byte modRm)
    {
        MemoryOperand memory = default;
        memory.Base = MemoryOperand.NoRegister;
        memory.Index = MemoryOperand.NoRegister;
        memory.Scale = 1;
        memory.Segment = SegmentRegister.Ds;
        if (AddressSize == 2)
            Memory16(modRm, ref memory);
        else
            Memory32(modRm, ref memory);
        if (HasSegment)
            memory.Segment = Segment;
        return memory;
    }

    // Intel SDM vol. 2A, table 2-1.
    private void Memory16(byte modRm, ref MemoryOperand memory)
    {
        const byte Bx = 3, Bp = 5, Si = 6, Di = 7;
        int mod = modRm >> 6, rm = modRm & 7;
        if (mod == 0 && rm == 6)
        {
            memory.Displacement = (long)Unsigned(2);
            return;
        }
        switch (rm)
        {
            case 0: memory.Base = Bx; memory.Index = Si; break;
            case 1: memory.Base = Bx; memory.Index = Di; break;
            case 2: memory.Base = Bp; memory.Index = Si; break;
            case 3: memory.Base = Bp; memory.Index = Di; break;
            case 4: memory.Base = Si; break;
            case 5: memory.Base = Di; break;
            case 6: memory.Base = Bp; break;
            default: memory.Base = Bx; break;
        }
        if (memory.Base == Bp)
            memory.Segment = SegmentRegister.Ss;
        if (mod != 0)
            memory.Displacement = Signed(mod);
    }

    // Intel SDM vol. 2A, tables 2-2 and 2-3.
    private void Memory32(byte modRm, ref MemoryOperand memory)
    {
        const int Sp = 4, Bp = 5;
        int mod = modRm >> 6, rm = modRm & 7;
        int low = rm;
        if (rm == 4)
        {
            byte sib = Byte();
            int index = ((sib >> 3) & 7) | RexX;
            if (index != Sp)
            {
                memory.Index = (byte)index;
                memory.Scale = (byte)(1 << (sib >> 6));
            }
            low = sib & 7;
        }
        if (mod == 0 && low == 5)
        {
            // No base. Without a SIB byte this means "relative to RIP" in 64-bit mode.
            memory.RipRelative = rm != 4 && Mode == CodeSize.Bits64;
            memory.Displacement = Signed(4);
            return;
        }
        memory.Base = (byte)(low | RexB);
        if (memory.Base == Sp || memory.Base == Bp)
            memory.Segment = SegmentRegister.Ss;
        if (mod != 0)
            memory.Displacement = Signed(mod == 1 ? 1 : 4);
    }
}
