using System.Buffers.Binary;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;

namespace Hv.Kernel.Instructions;

/// <summary>Carries out an instruction whose memory operand is a device register.</summary>
/// <remarks>
/// Runs on the processor that took the exit. LOCK needs nothing more: a device model's caller keeps other processors out.
/// Segment limits are not checked: the processor has done that for the operand that faulted, and long mode has none.
/// </remarks>
public static unsafe class MmioEmulator
{
    /// <summary>
    /// Carries out <paramref name="instruction"/>. The access to <paramref name="faulting"/>, which is byte <paramref name="offset"/> of
    /// <paramref name="device"/>, is the one that made it exit; <paramref name="memory"/> is where MOVS finds its other operand.
    /// Registers, RFLAGS and RIP in <paramref name="context"/> are brought up to date.
    /// </summary>
    public static EmulationResult Execute(in DecodedInstruction instruction, ref InstructionContext context, GuestMemory memory,
        MmioDevice device, GuestPhysical faulting, ulong offset, out GuestPageFault fault)
    {
        fault = default;
        // Byte 0 of the page that faulted: some processors report no more than the page.
        ulong pageStart = offset - faulting.PageOffset;
        switch (instruction.Operation)
        {
            case Operation.Movs:
            case Operation.Stos:
            case Operation.Lods:
                return RepeatString(in instruction, ref context, memory, device, faulting, pageStart, out fault);
            case < Operation.Mov or > Operation.Xadd:
                return EmulationResult.Unsupported;
        }

        ulong effective = context.EffectiveAddress(in instruction, in instruction.Memory) + BitBase(in instruction, in context);
        effective = InstructionContext.Truncate(effective, instruction.AddressSize);
        GuestVirtual linear = context.Linear(instruction.Memory.Segment, effective);
        if (CrossesPage(linear, instruction.MemorySize))
            return EmulationResult.Unsupported;
        ExecuteOne(in instruction, ref context, device, pageStart + linear.PageOffset);
        context.Rip = context.NextRip(in instruction);
        return EmulationResult.Completed;
    }

    // A bit number in a register reaches beyond the operand: this is how far (Intel SDM vol. 2A, BT).
    private static ulong BitBase(in DecodedInstruction instruction, in InstructionContext context)
    {
        if (instruction.Operation < Operation.Bt || instruction.Operation > Operation.Btc || instruction.Form != OperandForm.MemoryRegister)
            return 0;
        int unused = 64 - instruction.OperandSize * 8;
        long number = (long)(context.Registers->Read(instruction.Register) << unused) >> unused;
        return (ulong)((number >> 3) & ~(long)(instruction.OperandSize - 1));
    }

    private static bool CrossesPage(GuestVirtual address, int size) => address.PageOffset + (uint)size > PageSize.Small;

    private static void ExecuteOne(in DecodedInstruction instruction, ref InstructionContext context, MmioDevice device, ulong offset)
    {
        const int Accumulator = 0;
        int size = instruction.OperandSize;
        bool toRegister = instruction.Form == OperandForm.RegisterMemory;
        GuestRegisters* registers = context.Registers;
        ulong operand = instruction.Form == OperandForm.MemoryImmediate ? instruction.Immediate
            : instruction.Form == OperandForm.Memory ? 0 : ReadRegister(in instruction, registers);
        ulong value;
        switch (instruction.Operation)
        {
            case Operation.Mov:
                if (toRegister)
                    WriteRegister(in instruction, registers, device.ReadMmio(offset, size));
                else
                    Write(device, offset, size, operand);
                return;
            case Operation.Movbe:
                if (toRegister)
                    WriteRegister(in instruction, registers, Swap(device.ReadMmio(offset, size), size));
                else
                    Write(device, offset, size, Swap(operand, size));
                return;
            case Operation.Movzx:
                WriteRegister(in instruction, registers, Read(device, offset, instruction.MemorySize));
                return;
            case Operation.Movsx:
                int unused = 64 - instruction.MemorySize * 8;
                value = device.ReadMmio(offset, instruction.MemorySize);
                WriteRegister(in instruction, registers, (ulong)((long)(value << unused) >> unused));
                return;
            case Operation.Xchg:
                value = device.ReadMmio(offset, size);
                Write(device, offset, size, operand);
                WriteRegister(in instruction, registers, value);
                return;
            case Operation.Xadd:
                value = Read(device, offset, size);
                Write(device, offset, size, Alu.Compute(Operation.Add, size, value, operand, ref context.Rflags));
                WriteRegister(in instruction, registers, value);
                return;
            case Operation.Cmpxchg:
                value = Read(device, offset, size);
                Alu.Compute(Operation.Cmp, size, registers->Read(Accumulator, size), value, ref context.Rflags);
                bool equal = (context.Rflags & Rflags.Zero) != 0;
                Write(device, offset, size, equal ? operand : value);
                if (!equal)
                    registers->Write(Accumulator, size, value);
                return;
        }

        value = Read(device, offset, size);
        bool readsOnly = instruction.Operation == Operation.Cmp || instruction.Operation == Operation.Test || instruction.Operation == Operation.Bt;
        ulong result = toRegister
            ? Alu.Compute(instruction.Operation, size, operand, value, ref context.Rflags)
            : Alu.Compute(instruction.Operation, size, value, operand, ref context.Rflags);
        if (readsOnly)
            return;
        if (toRegister)
            WriteRegister(in instruction, registers, result);
        else
            Write(device, offset, size, result);
    }

    private static EmulationResult RepeatString(in DecodedInstruction instruction, ref InstructionContext context, GuestMemory memory,
        MmioDevice device, GuestPhysical faulting, ulong pageStart, out GuestPageFault fault)
    {
        fault = default;
        GuestVirtual page = context.Linear(instruction.Memory.Segment, context.EffectiveAddress(in instruction, in instruction.Memory)).PageBase;
        for (int i = 0; i < StringCounter.MaximumIterations; i++)
        {
            if (StringCounter.IsFinished(in instruction, in context))
                return Complete(in instruction, ref context);
            bool more;
            EmulationResult result = instruction.Operation == Operation.Movs
                ? MoveOnce(in instruction, ref context, memory, device, faulting, pageStart, out more, out fault)
                : StoreOrLoadOnce(in instruction, ref context, device, pageStart, page, out more);
            // What cannot go on here may be another page's business: the guest runs into that page by itself.
            if (result == EmulationResult.Unsupported && i > 0)
                return EmulationResult.Repeat;
            if (result != EmulationResult.Completed)
                return result;
            if (!more)
                return Complete(in instruction, ref context);
        }
        return EmulationResult.Repeat;
    }

    private static EmulationResult MoveOnce(in DecodedInstruction instruction, ref InstructionContext context, GuestMemory memory,
        MmioDevice device, GuestPhysical faulting, ulong pageStart, out bool more, out GuestPageFault fault)
    {
        more = false;
        int size = instruction.MemorySize;
        GuestVirtual source = context.Linear(instruction.Memory.Segment, StringCounter.Source(in instruction, in context));
        GuestVirtual destination = context.Linear(SegmentRegister.Es, StringCounter.Destination(in instruction, in context));

        // Which of the two is the device is known only from where the guest's tables lead.
        if (!LeadsTo(in context, memory, source, GuestAccess.Read, faulting, out bool fromDevice, out fault))
            return EmulationResult.PageFault;
        if (!fromDevice)
        {
            if (!LeadsTo(in context, memory, destination, GuestAccess.Write, faulting, out bool toDevice, out fault))
                return EmulationResult.PageFault;
            if (!toDevice)
                return EmulationResult.Unsupported;
        }
        GuestVirtual register = fromDevice ? source : destination;
        if (CrossesPage(register, size))
            return EmulationResult.Unsupported;

        EmulationResult found = LinearMemory.Find(in context, memory, fromDevice ? destination : source, size,
            fromDevice ? GuestAccess.Write : GuestAccess.Read, out LinearMemory.Place place, out fault);
        if (found != EmulationResult.Completed)
            return found;
        if (fromDevice)
            LinearMemory.Write(in place, size, device.ReadMmio(pageStart + register.PageOffset, size));
        else
            Write(device, pageStart + register.PageOffset, size, LinearMemory.Read(in place, size));
        more = StringCounter.Step(in instruction, ref context, source: true, destination: true);
        return EmulationResult.Completed;
    }

    private static bool LeadsTo(in InstructionContext context, GuestMemory memory, GuestVirtual address, GuestAccess access,
        GuestPhysical faulting, out bool same, out GuestPageFault fault)
    {
        fault = default;
        bool mapped = GuestPaging.Translate(in context.Paging, memory, address, access | context.Privilege, out GuestPhysical physical, out fault.ErrorCode);
        same = mapped && physical.PageNumber == faulting.PageNumber;
        if (!mapped)
            fault.Address = address;
        return mapped;
    }

    // All iterations must stay in the page of the first.
    private static EmulationResult StoreOrLoadOnce(in DecodedInstruction instruction, ref InstructionContext context, MmioDevice device,
        ulong pageStart, GuestVirtual page, out bool more)
    {
        const int Accumulator = 0;
        more = false;
        bool load = instruction.Operation == Operation.Lods;
        int size = instruction.MemorySize;
        ulong effective = load ? StringCounter.Source(in instruction, in context) : StringCounter.Destination(in instruction, in context);
        GuestVirtual linear = context.Linear(instruction.Memory.Segment, effective);
        if (linear.PageBase != page || CrossesPage(linear, size))
            return EmulationResult.Unsupported;
        ulong offset = pageStart + linear.PageOffset;
        if (load)
            context.Registers->Write(Accumulator, size, device.ReadMmio(offset, size));
        else
            Write(device, offset, size, context.Registers->Read(Accumulator, size));
        more = StringCounter.Step(in instruction, ref context, source: load, destination: !load);
        return EmulationResult.Completed;
    }

    private static EmulationResult Complete(in DecodedInstruction instruction, ref InstructionContext context)
    {
        context.Rip = context.NextRip(in instruction);
        return EmulationResult.Completed;
    }

    private static ulong Read(MmioDevice device, ulong offset, int size) =>
        InstructionContext.Truncate(device.ReadMmio(offset, size), size);

    private static void Write(MmioDevice device, ulong offset, int size, ulong value) =>
        device.WriteMmio(offset, size, InstructionContext.Truncate(value, size));

    private static ulong ReadRegister(in DecodedInstruction instruction, GuestRegisters* registers) =>
        instruction.HighByte
            ? registers->Read(instruction.Register, 2) >> 8
            : registers->Read(instruction.Register, instruction.OperandSize);

    private static void WriteRegister(in DecodedInstruction instruction, GuestRegisters* registers, ulong value)
    {
        if (instruction.HighByte)
            registers->Write(instruction.Register, 2, (registers->Read(instruction.Register) & 0xff) | (value & 0xff) << 8);
        else
            registers->Write(instruction.Register, instruction.OperandSize, value);
    }

    private static ulong Swap(ulong value, int size) => BinaryPrimitives.ReverseEndianness(value) >> (64 - size * 8);
}
