namespace Hv.Kernel.Instructions;

/// <summary>How an instruction forms the address of its memory operand.</summary>
public struct MemoryOperand
{
    /// <summary>Stands for "no register" in <see cref="Base"/> and <see cref="Index"/>.</summary>
    public const byte NoRegister = 0xff;

    /// <summary>The base register's number, or <see cref="NoRegister"/>.</summary>
    public byte Base;

    /// <summary>The index register's number, or <see cref="NoRegister"/>.</summary>
    public byte Index;

    /// <summary>What the index is multiplied by: 1, 2, 4 or 8.</summary>
    public byte Scale;

    /// <summary>The segment; in 64-bit mode only FS and GS have a base.</summary>
    public SegmentRegister Segment;

    /// <summary>Whether the address of the next instruction is added.</summary>
    public bool RipRelative;

    /// <summary>The displacement, sign-extended (an absolute offset is zero-extended).</summary>
    public long Displacement;
}
