using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hv.Stubs;

/// <summary>Block moves. Microsoft x64 calling convention: arguments in rcx, rdx, r8, r9; rsi and rdi are the callee's to save.</summary>
internal static class MemoryStubs
{
    public static void Emit(StubAssembler a)
    {
        EmitMove(a);
        EmitFill(a);
        // ILC compares this word before a method with a stack buffer returns; what it holds only has to be unlikely.
        a.Routine("__security_cookie");
        a.dq(0x2B99_2DDF_A232_49D6);
    }

    // void Move(byte* destination, byte* source, nuint bytes): the two may overlap.
    private static void EmitMove(StubAssembler a)
    {
        Label backward = a.CreateLabel();
        a.Routine("HvMoveBytes");
        a.push(rsi);
        a.push(rdi);
        a.mov(rdi, rcx);
        a.mov(rsi, rdx);
        a.mov(rcx, r8);
        a.mov(rax, rdi);
        a.sub(rax, rsi);
        a.cmp(rax, r8); // unsigned: below means the destination starts within the source
        a.jb(backward);
        a.mov(rax, rcx);
        a.shr(rcx, 3);
        a.rep.movsq();
        a.mov(rcx, rax);
        a.and(ecx, 7);
        a.rep.movsb();
        a.pop(rdi);
        a.pop(rsi);
        a.ret();
        a.Label(ref backward);
        a.lea(rsi, __[rsi + rcx - 1]);
        a.lea(rdi, __[rdi + rcx - 1]);
        a.std();
        a.rep.movsb();
        a.cld();
        a.pop(rdi);
        a.pop(rsi);
        a.ret();
    }

    // void Fill(byte* destination, byte value, nuint bytes)
    private static void EmitFill(StubAssembler a)
    {
        a.Routine("HvFillBytes");
        a.push(rdi);
        a.mov(rdi, rcx);
        a.movzx(eax, dl);
        a.mov(rcx, 0x0101_0101_0101_0101);
        a.imul(rax, rcx);
        a.mov(rcx, r8);
        a.shr(rcx, 3);
        a.rep.stosq();
        a.mov(rcx, r8);
        a.and(ecx, 7);
        a.rep.stosb();
        a.pop(rdi);
        a.ret();
    }
}
