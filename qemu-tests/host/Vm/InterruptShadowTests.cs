using System;
using Hv.HostTests.Instructions;
using Hv.Kernel.Instructions;
using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class InterruptShadowTests : IDisposable
{
    private const ulong Start = 0x1000;
    private const byte Sti = 0xFB, Hlt = 0xF4;
    private readonly ArrayMemory _memory = new(1 << 16);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void A_guest_between_STI_and_HLT_goes_back_to_STI()
    {
        _memory.Write(Start, [Sti, Hlt]);
        InstructionContext context = At(Start + 1, Rflags.Interrupt | Rflags.Zero);
        Assert.True(InterruptShadow.StepBack(ref context, _memory));
        Assert.Equal(Start, context.Rip);
        Assert.Equal(Rflags.Zero, context.Rflags);
    }

    [Fact]
    public void Behind_another_instruction_it_stays()
    {
        _memory.Write(Start, [0x8E, 0xD0, Hlt]); // mov ss, ax
        InstructionContext context = At(Start + 2, Rflags.Interrupt);
        Assert.False(InterruptShadow.StepBack(ref context, _memory));
        Assert.Equal(Start + 2, context.Rip);
        Assert.Equal(Rflags.Interrupt, context.Rflags);
    }

    [Fact]
    public void With_interrupts_off_it_stays()
    {
        _memory.Write(Start, [Sti, Hlt]);
        InstructionContext context = At(Start + 1, 0);
        Assert.False(InterruptShadow.StepBack(ref context, _memory));
        Assert.Equal(Start + 1, context.Rip);
    }

    [Fact]
    public void What_cannot_be_read_is_no_STI()
    {
        InstructionContext context = At(1ul << 40, Rflags.Interrupt);
        Assert.False(InterruptShadow.StepBack(ref context, _memory));
        Assert.Equal(1ul << 40, context.Rip);
    }

    private static InstructionContext At(ulong rip, ulong rflags) => new() { Mode = CodeSize.Bits64, Rip = rip, Rflags = rflags };
}
