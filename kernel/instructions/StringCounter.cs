using Hv.Kernel.Processor;

namespace Hv.Kernel.Instructions;

/// <summary>The registers that a string instruction steps: rSI, rDI and, with a repeat prefix, rCX.</summary>
internal static unsafe class StringCounter
{
    /// <summary>How many iterations are carried out before the guest is entered again, so that it can take interrupts.</summary>
    public const int MaximumIterations = 256;

    private const int Cx = 1, Si = 6, Di = 7;

    /// <summary>Whether a repeat prefix stands before a count of 0: nothing is to be done.</summary>
    public static bool IsFinished(in DecodedInstruction instruction, in InstructionContext context) =>
        instruction.Repeat != RepeatPrefix.None && context.Registers->Read(Cx, instruction.AddressSize) == 0;

    /// <summary>The offset in rSI.</summary>
    public static ulong Source(in DecodedInstruction instruction, in InstructionContext context) =>
        context.Registers->Read(Si, instruction.AddressSize);

    /// <summary>The offset in rDI.</summary>
    public static ulong Destination(in DecodedInstruction instruction, in InstructionContext context) =>
        context.Registers->Read(Di, instruction.AddressSize);

    /// <summary>Steps the registers after one iteration; true if another one follows.</summary>
    public static bool Step(in DecodedInstruction instruction, ref InstructionContext context, bool source, bool destination)
    {
        ulong step = (context.Rflags & Rflags.Direction) != 0 ? 0ul - instruction.MemorySize : instruction.MemorySize;
        GuestRegisters* registers = context.Registers;
        int size = instruction.AddressSize;
        if (source)
            registers->Write(Si, size, registers->Read(Si) + step);
        if (destination)
            registers->Write(Di, size, registers->Read(Di) + step);
        if (instruction.Repeat == RepeatPrefix.None)
            return false;
        registers->Write(Cx, size, registers->Read(Cx) - 1);
        return registers->Read(Cx, size) != 0;
    }
}
