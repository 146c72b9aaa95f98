namespace Hv.Kernel.Instructions;

/// <summary>The bits of RFLAGS (Intel SDM vol. 1, 3.4.3).</summary>
public static class Rflags
{
    /// <summary>CF.</summary>
    public const ulong Carry = 1ul << 0;
    /// <summary>PF.</summary>
    public const ulong Parity = 1ul << 2;
    /// <summary>AF.</summary>
    public const ulong Adjust = 1ul << 4;
    /// <summary>ZF.</summary>
    public const ulong Zero = 1ul << 6;
    /// <summary>SF.</summary>
    public const ulong Sign = 1ul << 7;
    /// <summary>TF: a debug exception follows each instruction.</summary>
    public const ulong Trap = 1ul << 8;
    /// <summary>IF.</summary>
    public const ulong Interrupt = 1ul << 9;
    /// <summary>DF.</summary>
    public const ulong Direction = 1ul << 10;
    /// <summary>OF.</summary>
    public const ulong Overflow = 1ul << 11;
    /// <summary>AC.</summary>
    public const ulong AlignmentCheck = 1ul << 18;
    /// <summary>The six that arithmetic sets.</summary>
    public const ulong Arithmetic = Carry | Parity | Adjust | Zero | Sign | Overflow;
}
