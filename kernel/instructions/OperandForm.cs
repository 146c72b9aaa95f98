namespace Hv.Kernel.Instructions;

/// <summary>Which explicit operands an instruction has, destination first.</summary>
public enum OperandForm : byte
{
    /// <summary>None; all operands are implied.</summary>
    None = 0,
    /// <summary>Memory and a register.</summary>
    MemoryRegister,
    /// <summary>A register and memory.</summary>
    RegisterMemory,
    /// <summary>Memory and an immediate.</summary>
    MemoryImmediate,
    /// <summary>Memory alone.</summary>
    Memory,
    /// <summary>An immediate alone: the port of IN and OUT.</summary>
    Immediate,
    /// <summary>A general-purpose register alone, or one with a system register.</summary>
    Register,
}
