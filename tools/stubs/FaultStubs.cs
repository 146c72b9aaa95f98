using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hv.Stubs;

/// <summary>Interrupt entry: each vector's gate leads to eight bytes here, then to one common path that calls C#.</summary>
internal static class FaultStubs
{
    private const int Vectors = 256;
    private const int BytesPerVector = 16;

    /// <summary>Bit n is set where the processor pushes an error code (Intel SDM vol. 3A, 6.3.1; AMD APM vol. 2, 8.2).</summary>
    private const uint VectorsWithErrorCode = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 17 | 1u << 21 | 1u << 29 | 1u << 30;

    public static void Emit(StubAssembler a)
    {
        Label entries = a.CreateLabel(), common = a.CreateLabel();
        a.Routine("HvInterruptEntries", ref entries);
        for (int vector = 0; vector < Vectors; vector++)
        {
            Label next = a.CreateLabel();
            bool pushed = vector < 32 && (VectorsWithErrorCode >> vector & 1) != 0;
            // Same length for each: two pushes (2 + 5 bytes, the first one a nop where the processor pushed), a jump, padding.
            if (pushed)
                a.db(0x66, 0x90);
            else
                a.db(0x6A, 0x00);                                    // push 0
            a.db(0x68, (byte)vector, 0, 0, 0);                       // push vector
            a.db(0xE9);                                              // jmp common
            int after = vector * BytesPerVector + 12;
            int distance = Vectors * BytesPerVector - after;
            a.db((byte)distance, (byte)(distance >> 8), (byte)(distance >> 16), (byte)(distance >> 24));
            a.db(0xCC, 0xCC, 0xCC, 0xCC);
        }
        // The frame that C# sees (InterruptFrame): 16 registers in encoding order, vector, error code, then what the processor pushed.
        a.Label(ref common);
        a.push(r15);
        a.push(r14);
        a.push(r13);
        a.push(r12);
        a.push(r11);
        a.push(r10);
        a.push(r9);
        a.push(r8);
        a.push(rdi);
        a.push(rsi);
        a.push(rbp);
        a.push(rsp);
        a.push(rbx);
        a.push(rdx);
        a.push(rcx);
        a.push(rax);
        a.mov(rcx, rsp);
        a.mov(rbp, rsp);
        a.sub(rsp, 32 + 6 * 16);
        a.and(rsp, -16);
        a.movups(__xmmword_ptr[rsp + 32], xmm0);
        a.movups(__xmmword_ptr[rsp + 48], xmm1);
        a.movups(__xmmword_ptr[rsp + 64], xmm2);
        a.movups(__xmmword_ptr[rsp + 80], xmm3);
        a.movups(__xmmword_ptr[rsp + 96], xmm4);
        a.movups(__xmmword_ptr[rsp + 112], xmm5);
        a.cld();
        a.CallManaged("HvInterrupt");
        a.movups(xmm0, __xmmword_ptr[rsp + 32]);
        a.movups(xmm1, __xmmword_ptr[rsp + 48]);
        a.movups(xmm2, __xmmword_ptr[rsp + 64]);
        a.movups(xmm3, __xmmword_ptr[rsp + 80]);
        a.movups(xmm4, __xmmword_ptr[rsp + 96]);
        a.movups(xmm5, __xmmword_ptr[rsp + 112]);
        a.mov(rsp, rbp);
        a.pop(rax);
        a.pop(rcx);
        a.pop(rdx);
        a.pop(rbx);
        a.add(rsp, 8);
        a.pop(rbp);
        a.pop(rsi);
        a.pop(rdi);
        a.pop(r8);
        a.pop(r9);
        a.pop(r10);
        a.pop(r11);
        a.pop(r12);
        a.pop(r13);
        a.pop(r14);
        a.pop(r15);
        a.add(rsp, 16);
        a.iretq();
        a.Routine("HvInterruptEntriesAddress");
        a.lea(rax, __[entries]);
        a.ret();
    }
}
