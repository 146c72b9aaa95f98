using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Instructions;
using Hv.Kernel.Processor;
using Xunit;

namespace Hv.HostTests.Instructions;

/// <summary>The emulator against the machine's own processor, and where the two cannot be compared, against the manuals.</summary>
public sealed unsafe class MmioEmulatorTests : IDisposable
{
    private const ulong FlagsThatCount = Rflags.Arithmetic;
    private const int Di = 7;
    private readonly NativeCode _native = new();
    private readonly ArrayMemory _memory = new(1 << 20);
    private readonly byte* _page = (byte*)NativeMemory.AlignedAlloc(PageSize.Small, PageSize.Small);
    private readonly ByteDevice _device = new();

    public void Dispose()
    {
        _native.Dispose();
        _memory.Dispose();
        NativeMemory.AlignedFree(_page);
    }

    [Fact]
    public void Every_memory_instruction_does_what_the_processor_does()
    {
        var random = new Random(1969);
        int count = 0;
        foreach (byte[] opcode in Opcodes())
        {
            foreach (byte[] prefix in new byte[][] { [], [0x66], [0x48], [0x4c], [0x44], [0x66, 0x44], [0x40], [0xf0], [0xf0, 0x48] })
            {
                for (int field = 0; field < 8; field++)
                {
                    for (int round = 0; round < 40; round++)
                        count += Compare(random, prefix, opcode, field) ? 1 : 0;
                }
            }
        }
        Assert.True(count > 50_000, $"only {count} compared");
    }

    [Fact]
    public void Bit_numbers_in_registers_reach_beyond_the_operand()
    {
        var random = new Random(7);
        foreach (byte opcode in new byte[] { 0xa3, 0xab, 0xb3, 0xbb })
        {
            foreach (byte[] prefix in new byte[][] { [], [0x66], [0x48] })
            {
                for (int round = 0; round < 500; round++)
                    Assert.True(Compare(random, prefix, [0x0f, opcode], 1, bitNumber: random.Next(-1024 * 8, 1024 * 8)));
            }
        }
    }

    [Theory]
    [InlineData("A4")]
    [InlineData("A5")]
    [InlineData("66A5")]
    [InlineData("48A5")]
    [InlineData("F3A4")]
    [InlineData("F348A5")]
    [InlineData("F266A5")]
    [InlineData("AA")]
    [InlineData("F3AB")]
    [InlineData("F348AB")]
    [InlineData("AC")]
    [InlineData("66AD")]
    [InlineData("AD")]
    [InlineData("F3AD")]
    public void String_instructions_do_what_the_processor_does(string hex)
    {
        var random = new Random(hex.GetHashCode(StringComparison.Ordinal));
        byte[] code = Convert.FromHexString(hex);
        byte* other = (byte*)NativeMemory.AlignedAlloc(PageSize.Small, PageSize.Small);
        try
        {
            for (int round = 0; round < 400; round++)
            {
                bool fromDevice = code[^1] is 0xac or 0xad || (code[^1] is 0xa4 or 0xa5 && random.Next(2) == 0);
                CompareString(random, code, fromDevice, other);
            }
        }
        finally
        {
            NativeMemory.AlignedFree(other);
        }
    }

    [Fact]
    public void A_long_string_is_done_in_pieces()
    {
        DecodedInstruction instruction = InstructionDecoder.Decode([0xf3, 0xaa], CodeSize.Bits64);
        GuestRegisters registers = default;
        registers.Rdi = 0x5000;
        registers.Rcx = 1000;
        registers.Rax = 0x5a;
        InstructionContext context = Context(&registers);
        int entries = 1;
        while (Execute(instruction, ref context, 0x5000, 0) == EmulationResult.Repeat)
            entries++;
        Assert.Equal(4, entries);
        Assert.Equal(0ul, registers.Rcx);
        Assert.Equal(0x5000ul + 1000, registers.Rdi);
        Assert.Equal(1000, _device.Bytes.AsSpan().Count((byte)0x5a));
    }

    [Fact]
    public void A_string_stops_at_the_end_of_the_page()
    {
        DecodedInstruction instruction = InstructionDecoder.Decode([0xf3, 0xaa], CodeSize.Bits64);
        GuestRegisters registers = default;
        registers.Rdi = 0x5ff8;
        registers.Rcx = 20;
        InstructionContext context = Context(&registers);
        Assert.Equal(EmulationResult.Repeat, Execute(instruction, ref context, 0x5ff8, 0xff8));
        Assert.Equal(12ul, registers.Rcx);
        Assert.Equal(0x6000ul, registers.Rdi);
        Assert.Equal(0x1000ul, context.Rip);
    }

    [Fact]
    public void A_repeat_count_of_zero_touches_nothing()
    {
        DecodedInstruction instruction = InstructionDecoder.Decode([0x67, 0xf3, 0xab], CodeSize.Bits64);
        GuestRegisters registers = default;
        registers.Rcx = 0xffff_ffff_0000_0000;
        InstructionContext context = Context(&registers);
        Assert.Equal(EmulationResult.Completed, Execute(instruction, ref context, 0, 0));
        Assert.Equal(0, _device.Accesses);
        Assert.Equal(0x1003ul, context.Rip);
    }

    [Fact]
    public void An_operand_across_pages_is_not_carried_out()
    {
        DecodedInstruction instruction = InstructionDecoder.Decode([0x8b, 0x07], CodeSize.Bits64);
        GuestRegisters registers = default;
        registers.Rdi = 0x5ffe;
        InstructionContext context = Context(&registers);
        Assert.Equal(EmulationResult.Unsupported, Execute(instruction, ref context, 0x5ffe, 0xffe));
        Assert.Equal(0, _device.Accesses);
        Assert.Equal(0x1000ul, context.Rip);
    }

    [Fact]
    public void The_offset_comes_from_the_operand_when_the_fault_reports_only_the_page()
    {
        DecodedInstruction instruction = InstructionDecoder.Decode([0x89, 0x47, 0x20], CodeSize.Bits64);
        GuestRegisters registers = default;
        registers.Rdi = 0x5300;
        registers.Rax = 0x11223344;
        InstructionContext context = Context(&registers);
        Assert.Equal(EmulationResult.Completed, Execute(instruction, ref context, 0x5000, 0));
        Assert.Equal(0x11223344u, BitConverter.ToUInt32(_device.Bytes, 0x320));
    }

    [Fact]
    public void A_move_to_forbidden_memory_gives_the_guest_a_page_fault_and_leaves_the_device_alone()
    {
        // Linear 5000h is the device, 6000h is read-only: four tables at 10000h.
        _memory.Write64(0x10000, 0x11003);
        _memory.Write64(0x11000, 0x12003);
        _memory.Write64(0x12000, 0x13003);
        _memory.Write64(0x13000 + 5 * 8, 0xfee00003);
        _memory.Write64(0x13000 + 6 * 8, 0x6001);
        DecodedInstruction instruction = InstructionDecoder.Decode([0xa5], CodeSize.Bits64);
        GuestRegisters registers = default;
        registers.Rsi = 0x5010;
        registers.Rdi = 0x6020;
        InstructionContext context = Context(&registers);
        context.Paging.Cr0 = PagingState.Cr0Paging | PagingState.Cr0WriteProtect;
        context.Paging.Cr3 = 0x10000;
        context.Paging.Cr4 = PagingState.Cr4PhysicalAddressExtension;
        context.Paging.Efer = PagingState.EferLongModeActive;

        EmulationResult result = MmioEmulator.Execute(in instruction, ref context, _memory, _device, new GuestPhysical(0xfee00010), 0x10, out GuestPageFault fault);

        Assert.Equal(EmulationResult.PageFault, result);
        Assert.Equal(0x6020ul, fault.Address.Value);
        Assert.Equal(3u, fault.ErrorCode);
        Assert.Equal(0, _device.Accesses);
        Assert.Equal(0x5010ul, registers.Rsi);
    }

    [Fact]
    public void Effective_addresses_follow_segments_and_address_size()
    {
        GuestRegisters registers = default;
        registers.Rbx = 0xffff_8000;
        registers.Rsi = 0x9000;
        InstructionContext context = Context(&registers);
        context.Segments.Ds = 0x10_0000;
        context.Segments.Gs = 0x7000;

        context.Mode = CodeSize.Bits16;
        DecodedInstruction sixteen = InstructionDecoder.Decode([0x8b, 0x40, 0x10], CodeSize.Bits16);
        Assert.Equal(0x10_1010ul, context.Linear(sixteen.Memory.Segment, context.EffectiveAddress(in sixteen, in sixteen.Memory)).Value);

        context.Mode = CodeSize.Bits64;
        DecodedInstruction gs = InstructionDecoder.Decode([0x65, 0x67, 0x8b, 0x04, 0x73], CodeSize.Bits64);
        Assert.Equal(0x7000ul + 0xa000, context.Linear(gs.Memory.Segment, context.EffectiveAddress(in gs, in gs.Memory)).Value);

        DecodedInstruction relative = InstructionDecoder.Decode([0xc7, 0x05, 0xf6, 0xff, 0xff, 0xff, 1, 0, 0, 0], CodeSize.Bits64);
        Assert.Equal(0x1000ul, context.EffectiveAddress(in relative, in relative.Memory));
    }

    private static InstructionContext Context(GuestRegisters* registers)
    {
        InstructionContext context = default;
        context.Registers = registers;
        context.Rip = 0x1000;
        context.Mode = CodeSize.Bits64;
        context.Paging.PhysicalAddressBits = 40;
        return context;
    }

    private EmulationResult Execute(DecodedInstruction instruction, ref InstructionContext context, ulong faulting, ulong offset) =>
        MmioEmulator.Execute(in instruction, ref context, _memory, _device, new GuestPhysical(faulting), offset, out _);

    private static IEnumerable<byte[]> Opcodes()
    {
        for (int opcode = 0; opcode < 256; opcode++)
        {
            // The decoder leaves out what is not to be compared.
            if (opcode != 0x0f)
                yield return [(byte)opcode];
            if (opcode != 0x38)
                yield return [0x0f, (byte)opcode];
        }
        yield return [0x0f, 0x38, 0xf0];
        yield return [0x0f, 0x38, 0xf1];
    }

    // Runs "opcode [rdi+100h], field" with random registers on both; false if the decoder does not take it.
    private bool Compare(Random random, byte[] prefix, byte[] opcode, int field, int? bitNumber = null)
    {
        byte[] bytes = new byte[InstructionDecoder.MaximumLength];
        random.NextBytes(bytes);
        byte[] start = [.. prefix, .. opcode, (byte)(0x80 | field << 3 | Di), 0x00, 0x01, 0x00, 0x00];
        start.CopyTo(bytes, 0);
        DecodedInstruction instruction = InstructionDecoder.Decode(bytes, CodeSize.Bits64);
        bool memory = instruction.Form is OperandForm.Memory or OperandForm.MemoryImmediate or OperandForm.MemoryRegister or OperandForm.RegisterMemory;
        if (!memory || instruction.Operation > Operation.Xadd || instruction.Memory.Base != Di)
            return false;
        if (instruction.Register == 4 && !instruction.HighByte && instruction.Form != OperandForm.Memory)
            return false;

        NativeCode.State state = RandomState(random, instruction);
        if (random.Next(4) == 0)
            new Span<byte>(_page, 4096).Fill((byte)state.Registers.Rax);
        int operand = 0x100;
        bool bitInRegister = instruction.Form == OperandForm.MemoryRegister && instruction.Operation is >= Operation.Bt and <= Operation.Btc;
        if (bitInRegister)
        {
            operand = 0x800;
            if (instruction.Register == Di)
                return false;
            state.Registers.Write(instruction.Register, 8, (ulong)(long)(bitNumber ?? random.Next(64)));
        }
        state.Registers.Rdi = (ulong)_page + (uint)(operand - 0x100);

        GuestRegisters registers = state.Registers;
        InstructionContext context = Context(&registers);
        context.Rflags = state.Rflags;
        new Span<byte>(_page, 4096).CopyTo(_device.Bytes);

        EmulationResult result = Execute(instruction, ref context, (ulong)_page, 0);
        _native.Run(bytes.AsSpan(0, instruction.Length), &state);

        string what = Convert.ToHexString(bytes.AsSpan(0, instruction.Length));
        Assert.True(result == EmulationResult.Completed, what);
        Assert.Equal(0x1000ul + instruction.Length, context.Rip);
        ulong undefined = Undefined(instruction.Operation);
        if (((context.Rflags ^ state.Rflags) & FlagsThatCount & ~undefined) != 0)
            Assert.Fail($"{what}: flags {context.Rflags:x}, processor {state.Rflags:x}");
        for (int i = 0; i < GuestRegisters.Count; i++)
        {
            if (registers.Read(i) != state.Registers.Read(i))
                Assert.Fail($"{what}: register {i} {registers.Read(i):x}, processor {state.Registers.Read(i):x}");
        }
        if (!new Span<byte>(_page, 4096).SequenceEqual(_device.Bytes))
            Assert.Fail($"{what}: memory");
        return true;
    }

    private static ulong Undefined(Operation operation)
    {
        switch (operation)
        {
            case Operation.And:
            case Operation.Or:
            case Operation.Xor:
            case Operation.Test:
                return Rflags.Adjust;
            case >= Operation.Bt and <= Operation.Btc:
                return Rflags.Arithmetic & ~(Rflags.Carry | Rflags.Zero);
            default:
                return 0;
        }
    }

    private NativeCode.State RandomState(Random random, DecodedInstruction instruction)
    {
        var page = new Span<byte>(_page, 4096);
        random.NextBytes(page);
        NativeCode.State state = default;
        for (int i = 0; i < GuestRegisters.Count; i++)
            state.Registers.Write(i, 8, Interesting(random));
        // Small and equal operands, so that carries, zeros and overflows are met often.
        if (random.Next(2) == 0)
            BitConverter.TryWriteBytes(page[0x100..], Interesting(random));
        if (random.Next(8) == 0)
            BitConverter.TryWriteBytes(page[0x100..], state.Registers.Read(instruction.Register));
        if (instruction.Operation == Operation.Cmpxchg && random.Next(2) == 0)
            BitConverter.TryWriteBytes(page[0x100..], state.Registers.Rax);
        state.Rflags = 2 | ((ulong)random.NextInt64() & Rflags.Arithmetic);
        return state;
    }

    private static ulong Interesting(Random random) => random.Next(4) switch
    {
        0 => (ulong)random.Next(4) - 2,
        1 => 1ul << random.Next(64),
        2 => (1ul << random.Next(64)) - 1,
        _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
    };

    private void CompareString(Random random, byte[] code, bool fromDevice, byte* other)
    {
        DecodedInstruction instruction = InstructionDecoder.Decode(code, CodeSize.Bits64);
        NativeCode.State state = RandomState(random, instruction);
        random.NextBytes(new Span<byte>(other, 4096));
        state.Registers.Rcx = (ulong)random.Next(1, 100);
        if (random.Next(2) == 0)
            state.Rflags |= Rflags.Direction;
        ulong deviceOffset = (ulong)random.Next(0x400, 0xc00);
        ulong otherOffset = (ulong)random.Next(0x400, 0xc00);
        const ulong OtherLinear = 0x2000;
        ulong deviceAddress = (ulong)_page + deviceOffset;
        state.Registers.Rsi = fromDevice ? deviceAddress : (ulong)other + otherOffset;
        state.Registers.Rdi = fromDevice ? (ulong)other + otherOffset : deviceAddress;

        // Without paging a linear address is a physical one: the emulator's memory has the other page at 2000h.
        GuestRegisters registers = state.Registers;
        ulong emulated = OtherLinear + otherOffset;
        if (fromDevice)
            registers.Rdi = emulated;
        else
            registers.Rsi = emulated;
        _memory.Write(OtherLinear, new Span<byte>(other, 4096));
        new Span<byte>(_page, 4096).CopyTo(_device.Bytes);
        InstructionContext context = Context(&registers);
        context.Paging.Efer = PagingState.EferLongModeActive;
        context.Rflags = state.Rflags;

        Assert.Equal(EmulationResult.Completed, Execute(instruction, ref context, deviceAddress, deviceOffset));
        _native.Run(code, &state);

        Assert.Equal(0x1000ul + (uint)code.Length, context.Rip);
        Assert.True(new Span<byte>(_page, 4096).SequenceEqual(_device.Bytes));
        Assert.True(new Span<byte>(other, 4096).SequenceEqual(_memory.Read(OtherLinear, 4096)));
        if (fromDevice)
            registers.Rdi += (ulong)other - OtherLinear;
        else
            registers.Rsi += (ulong)other - OtherLinear;
        for (int i = 0; i < GuestRegisters.Count; i++)
            Assert.Equal(state.Registers.Read(i), registers.Read(i));
        Assert.Equal(state.Rflags & Rflags.Arithmetic, context.Rflags & Rflags.Arithmetic);
    }
}
