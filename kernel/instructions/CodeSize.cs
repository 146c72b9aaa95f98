namespace Hv.Kernel.Instructions;

/// <summary>The mode in which a processor decodes instructions; the values are the default address size in bytes.</summary>
public enum CodeSize : byte
{
    /// <summary>Real mode, virtual-8086 mode, or a code segment with D = 0.</summary>
    Bits16 = 2,
    /// <summary>A code segment with D = 1.</summary>
    Bits32 = 4,
    /// <summary>A code segment with L = 1 in long mode.</summary>
    Bits64 = 8,
}
