using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Instructions;

/// <summary>Carries out IN, OUT, INS and OUTS against a device model.</summary>
/// <remarks>The caller has checked that the guest may use the port (IOPL, I/O bitmap): the processor has, before it exits.</remarks>
public static unsafe class PortEmulator
{
    private const int Accumulator = 0, Dx = 2;

    /// <summary>The port that <paramref name="instruction"/> names.</summary>
    public static ushort PortOf(in DecodedInstruction instruction, in InstructionContext context) =>
        (ushort)(instruction.Form == OperandForm.Immediate ? instruction.Immediate : context.Registers->Read(Dx));

    /// <summary>Carries out <paramref name="instruction"/>; registers and RIP in <paramref name="context"/> are brought up to date.</summary>
    public static EmulationResult Execute(in DecodedInstruction instruction, ref InstructionContext context, GuestMemory memory,
        PortDevice device, out GuestPageFault fault)
    {
        fault = default;
        int size = instruction.OperandSize;
        ushort port = PortOf(in instruction, in context);
        GuestRegisters* registers = context.Registers;
        switch (instruction.Operation)
        {
            case Operation.In:
                registers->Write(Accumulator, size, device.ReadPort(port, size));
                break;
            case Operation.Out:
                device.WritePort(port, size, (uint)registers->Read(Accumulator, size));
                break;
            case Operation.Ins:
            case Operation.Outs:
                for (int i = 0; i < StringCounter.MaximumIterations && !StringCounter.IsFinished(in instruction, in context); i++)
                {
                    EmulationResult result = Once(in instruction, ref context, memory, device, port, out bool more, out fault);
                    if (result != EmulationResult.Completed)
                        return result;
                    if (!more)
                    {
                        context.Rip = context.NextRip(in instruction);
                        return EmulationResult.Completed;
                    }
                }
                if (!StringCounter.IsFinished(in instruction, in context))
                    return EmulationResult.Repeat;
                break;
            default:
                return EmulationResult.Unsupported;
        }
        context.Rip = context.NextRip(in instruction);
        return EmulationResult.Completed;
    }

    private static EmulationResult Once(in DecodedInstruction instruction, ref InstructionContext context, GuestMemory memory,
        PortDevice device, ushort port, out bool more, out GuestPageFault fault)
    {
        bool input = instruction.Operation == Operation.Ins;
        int size = instruction.MemorySize;
        ulong offset = input ? StringCounter.Destination(in instruction, in context) : StringCounter.Source(in instruction, in context);
        GuestVirtual linear = context.Linear(instruction.Memory.Segment, offset);
        more = false;
        EmulationResult found = LinearMemory.Find(in context, memory, linear, size, input ? GuestAccess.Write : GuestAccess.Read,
            out LinearMemory.Place place, out fault);
        if (found != EmulationResult.Completed)
            return found;
        if (input)
            LinearMemory.Write(in place, size, device.ReadPort(port, size));
        else
            device.WritePort(port, size, (uint)LinearMemory.Read(in place, size));
        more = StringCounter.Step(in instruction, ref context, source: !input, destination: input);
        return EmulationResult.Completed;
    }
}
