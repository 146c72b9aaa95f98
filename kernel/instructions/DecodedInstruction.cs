namespace Hv.Kernel.Instructions;

/// <summary>One decoded instruction.</summary>
public struct DecodedInstruction
{
    /// <summary>What it does; the other members mean something only if this is not <see cref="Operation.Unsupported"/>.</summary>
    public Operation Operation;

    /// <summary>Its length in bytes, 1 to 15.</summary>
    public byte Length;

    /// <summary>Its explicit operands.</summary>
    public OperandForm Form;

    /// <summary>The size in bytes in which it computes: 1, 2, 4 or 8. The size of a port access for port instructions.</summary>
    public byte OperandSize;

    /// <summary>How many bytes of memory one access touches: less than <see cref="OperandSize"/> for MOVZX and MOVSX, else the same.</summary>
    public byte MemorySize;

    /// <summary>The address size in bytes: 2, 4 or 8.</summary>
    public byte AddressSize;

    /// <summary>The memory operand, for forms with one and for MOVS, LODS, OUTS (source), STOS and INS (destination).</summary>
    public MemoryOperand Memory;

    /// <summary>The general-purpose register operand's number, 0 to 15; the accumulator (0) where it is implied.</summary>
    public byte Register;

    /// <summary>Whether <see cref="Register"/> means bits 15:8: AH, CH, DH or BH for 0 to 3.</summary>
    public bool HighByte;

    /// <summary>The control or debug register's number, 0 to 15.</summary>
    public byte SystemRegister;

    /// <summary>The immediate, sign-extended to 64 bits (the port of IN and OUT: zero-extended).</summary>
    public ulong Immediate;

    /// <summary>The repeat prefix, for string instructions only.</summary>
    public RepeatPrefix Repeat;

    /// <summary>Whether there was a LOCK prefix.</summary>
    public bool Lock;

    /// <summary>One of the instructions that only a processor with SVM turned on has.</summary>
    public readonly bool IsSvm => Operation is >= Operation.Vmrun and <= Operation.Invlpga;
}
