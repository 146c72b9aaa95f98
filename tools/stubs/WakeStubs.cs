using System.Collections.Generic;
using System.IO;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hv.Stubs;

/// <summary>
/// Suspend to RAM: going to sleep, and the way back from the real mode in which the firmware starts the system after S3 (ACPI 6.5, 16.3.1.2). The code of that way
/// is copied to a page of low memory; it begins at the page's first byte and knows its own address from CS alone.
/// </summary>
internal static class WakeStubs
{
    // What Hv.Kernel.Processor.WakePage puts into the page.
    private const int Gdt = 0x800, GdtPointer = 0x840, Protected = 0x848, Long = 0x850, PageTable = 0x858, StackSlot = 0x860, Entry = 0x868;
    private const short DataSelector = 0x10;
    private const int Cr0ProtectedMode = 1, Cr4 = 1 << 5 | 1 << 9 | 1 << 10; // PAE, OSFXSR, OSXMMEXCPT
    private const uint Cr0 = 1u << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1 << 1 | 1 << 0; // PG, WP, NE, ET, MP, PE
    private const uint Efer = 0xC000_0080, EferBits = 1 << 11 | 1 << 8; // NXE, LME
    private const short WakeStatus = unchecked((short)0x8000); // PM1 status, bit 15
    private const int Polls = 10_000_000;

    public static void Emit(StubAssembler a)
    {
        EmitSleep(a);
        EmitWake(a);
    }

    // uint HvSleep(ulong* stackSlot, uint controlPort, uint value, uint statusPort): writes the value (16 bits) to the control port, with the stack pointer in the
    // slot. 1: the machine has slept, and the firmware has started HvWakeCode. 0: it goes on without that, for instance because it was to wake already.
    private static void EmitSleep(StubAssembler a)
    {
        Label woken = a.CreateLabel(), done = a.CreateLabel(), poll = a.CreateLabel();
        a.Routine("HvSleep");
        GuestStubs.PushPreserved(a);
        GuestStubs.SaveXmmPreserved(a);
        a.mov(__qword_ptr[rcx], rsp);
        a.mov(eax, r8d);
        a.@out(dx, ax);
        a.mov(edx, r9d);
        a.mov(ecx, Polls);
        a.Label(ref poll);
        a.pause();
        a.@in(ax, dx);
        a.test(ax, WakeStatus);
        a.mov(eax, 0);
        a.jnz(done);
        a.dec(ecx);
        a.jnz(poll);
        a.jmp(done);
        a.Routine("HvWoken", ref woken);
        a.mov(eax, 1);
        a.Label(ref done);
        GuestStubs.RestoreXmmPreserved(a);
        GuestStubs.PopPreserved(a);
        a.ret();
        a.Routine("HvWokenAddress");
        a.lea(rax, __[woken]);
        a.ret();
    }

    private static void EmitWake(StubAssembler a)
    {
        byte[] code = WakeCode();
        Label start = a.CreateLabel();
        a.Routine("HvWakeCode", ref start);
        foreach (byte b in code)
            a.db(b);
        a.Routine("HvWakeCodeAddress");
        a.lea(rax, __[start]);
        a.ret();
        a.Routine("HvWakeCodeBytes");
        a.mov(eax, code.Length);
        a.ret();
    }

    /// <summary>The three pieces one after the other, each beginning at a multiple of 256 bytes: real mode, protected mode, long mode.</summary>
    private static byte[] WakeCode()
    {
        const int stride = 0x100;
        var code = new List<byte>();
        foreach (Assembler piece in new[] { RealMode(), ProtectedMode(), LongMode() })
        {
            while (code.Count % stride != 0)
                code.Add(0xCC);
            var bytes = new MemoryStream();
            piece.Assemble(new StreamCodeWriter(bytes), rip: 0);
            code.AddRange(bytes.ToArray());
        }
        return [.. code];
    }

    // EBX is the page's address from here on.
    private static Assembler RealMode()
    {
        var a = new Assembler(16);
        a.cli();
        a.cld();
        a.mov(ax, cs);
        a.mov(ds, ax);
        a.xor(ebx, ebx);
        a.mov(bx, cs);
        a.shl(ebx, 4);
        a.AddInstruction(Instruction.Create(Code.Lgdt_m1632, Absolute(GdtPointer)));
        a.mov(eax, cr0);
        a.or(eax, Cr0ProtectedMode);
        a.mov(cr0, eax);
        a.AddInstruction(Instruction.Create(Code.Jmp_m1632, Absolute(Protected)));
        return a;
    }

    private static Assembler ProtectedMode()
    {
        var a = new Assembler(32);
        a.mov(ax, DataSelector);
        a.mov(ds, eax);
        a.mov(es, eax);
        a.mov(ss, eax);
        a.mov(eax, Cr4);
        a.mov(cr4, eax);
        a.mov(eax, __dword_ptr[ebx + PageTable]);
        a.mov(cr3, eax);
        a.mov(ecx, Efer);
        a.rdmsr();
        a.or(eax, EferBits);
        a.wrmsr();
        a.mov(eax, Cr0);
        a.mov(cr0, eax);
        a.AddInstruction(Instruction.Create(Code.Jmp_m1632, new MemoryOperand(Register.EBX, Long, 4)));
        return a;
    }

    private static Assembler LongMode()
    {
        var a = new Assembler(64);
        a.mov(ebx, ebx);
        a.mov(rcx, __qword_ptr[rbx + StackSlot]);
        a.mov(rsp, __qword_ptr[rcx]);
        a.jmp(__qword_ptr[rbx + Entry]);
        return a;
    }

    // In real mode, relative to DS.
    private static MemoryOperand Absolute(int offset) => new(Register.None, offset, 2);
}
