using System;
using Hv.Kernel.Instructions;
using Hv.Kernel.Memory;

namespace Hv.Kernel.Vm;

/// <summary>The one instruction behind STI, before which no interrupt is taken (Intel SDM vol. 2B, STI; APM vol. 2, 15.21.5).</summary>
public static class InterruptShadow
{
    private const byte Sti = 0xFB;

    /// <summary>
    /// Brings a guest that stands behind an STI back to it, with interrupts off: the shadow begins anew. False, and nothing is changed, if the instruction before is another one
    /// (MOV SS has a shadow, too; nothing that sleeps stands in it).
    /// </summary>
    public static bool StepBack(ref InstructionContext context, GuestMemory memory)
    {
        if ((context.Rflags & Rflags.Interrupt) == 0)
            return false;
        context.Rip--;
        Span<byte> bytes = stackalloc byte[InstructionDecoder.MaximumLength];
        if (InstructionFetcher.Fetch(in context, memory, bytes, out _) > 0 && bytes[0] == Sti)
        {
            context.Rflags &= ~Rflags.Interrupt;
            return true;
        }
        context.Rip++;
        return false;
    }
}
