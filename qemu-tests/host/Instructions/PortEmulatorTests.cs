using System;
using System.Collections.Generic;
using Hv.Kernel.Instructions;
using Hv.Kernel.Io;
using Hv.Kernel.Processor;
using Xunit;

namespace Hv.HostTests.Instructions;

public sealed unsafe class PortEmulatorTests : IDisposable
{
    private sealed class Ports : PortDevice
    {
        public readonly List<(ushort Port, int Size, uint Value)> Written = [];
        public uint Next = 0x8899_aabb;

        public override uint ReadPort(ushort port, int size) => Next++ & (uint)((1ul << (size * 8)) - 1);

        public override void WritePort(ushort port, int size, uint value) => Written.Add((port, size, value));
    }

    private readonly ArrayMemory _memory = new(1 << 20);
    private readonly Ports _ports = new();

    public void Dispose() => _memory.Dispose();

    [Theory]
    [InlineData("E460", 0x60, 1)]
    [InlineData("66E560", 0x60, 2)]
    [InlineData("ED", 0x1f0, 4)]
    public void IN_leaves_of_the_accumulator_what_it_does_not_read(string hex, int port, int size)
    {
        GuestRegisters registers = default;
        registers.Rax = 0x1122_3344_5566_7788;
        registers.Rdx = 0x5_01f0;
        InstructionContext context = Context(&registers);
        DecodedInstruction instruction = Decode(hex);
        Assert.Equal(port, PortEmulator.PortOf(in instruction, in context));
        Assert.Equal(EmulationResult.Completed, PortEmulator.Execute(in instruction, ref context, _memory, _ports, out _));
        ulong expected = size switch { 1 => 0x1122_3344_5566_77bb, 2 => 0x1122_3344_5566_aabb, _ => 0x8899_aabbul };
        Assert.Equal(expected, registers.Rax);
        Assert.Equal(0x1000ul + (uint)hex.Length / 2, context.Rip);
    }

    [Fact]
    public void OUT_writes_as_much_as_it_says()
    {
        GuestRegisters registers = default;
        registers.Rax = 0x5566_7788;
        InstructionContext context = Context(&registers);
        DecodedInstruction instruction = Decode("66E780");
        PortEmulator.Execute(in instruction, ref context, _memory, _ports, out _);
        Assert.Equal(((ushort)0x80, 2, 0x7788u), Assert.Single(_ports.Written));
    }

    [Fact]
    public void REP_INSW_fills_memory_in_pieces()
    {
        GuestRegisters registers = default;
        registers.Rdx = 0x1f0;
        registers.Rcx = 300;
        registers.Rdi = 0x3fff;
        InstructionContext context = Context(&registers);
        DecodedInstruction instruction = Decode("F3666D");
        Assert.Equal(EmulationResult.Repeat, PortEmulator.Execute(in instruction, ref context, _memory, _ports, out _));
        Assert.Equal(0x1000ul, context.Rip);
        Assert.Equal(EmulationResult.Completed, PortEmulator.Execute(in instruction, ref context, _memory, _ports, out _));
        Assert.Equal(0x1003ul, context.Rip);
        Assert.Equal(0ul, registers.Rcx);
        byte[] filled = _memory.Read(0x3fff, 600);
        for (int i = 0; i < 300; i++)
            Assert.Equal((ushort)(0xaabb + i), BitConverter.ToUInt16(filled, i * 2));
    }

    [Fact]
    public void REP_OUTSB_runs_downwards_with_the_direction_flag()
    {
        GuestRegisters registers = default;
        registers.Rdx = 0xe9;
        registers.Rcx = 3;
        registers.Rsi = 0x2002;
        _memory.Write(0x2000, "abc"u8);
        InstructionContext context = Context(&registers);
        context.Rflags = Rflags.Direction;
        DecodedInstruction instruction = Decode("F36E");
        Assert.Equal(EmulationResult.Completed, PortEmulator.Execute(in instruction, ref context, _memory, _ports, out _));
        Assert.Equal([(0xe9, 1, 'c'), (0xe9, 1, 'b'), (0xe9, 1, 'a')], _ports.Written);
        Assert.Equal(0x1ffful, registers.Rsi);
    }

    [Fact]
    public void INS_to_no_memory_reads_nothing_from_the_port()
    {
        GuestRegisters registers = default;
        registers.Rdi = 1 << 20;
        InstructionContext context = Context(&registers);
        DecodedInstruction instruction = Decode("6C");
        uint before = _ports.Next;
        Assert.Equal(EmulationResult.Unsupported, PortEmulator.Execute(in instruction, ref context, _memory, _ports, out _));
        Assert.Equal(before, _ports.Next);
    }

    private static DecodedInstruction Decode(string hex) => InstructionDecoder.Decode(Convert.FromHexString(hex), CodeSize.Bits64);

    private static InstructionContext Context(GuestRegisters* registers)
    {
        InstructionContext context = default;
        context.Registers = registers;
        context.Rip = 0x1000;
        context.Mode = CodeSize.Bits64;
        return context;
    }
}
