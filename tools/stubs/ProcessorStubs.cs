using System;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hv.Stubs;

/// <summary>One instruction each: port I/O, MSRs, control registers, descriptor tables.</summary>
internal static class ProcessorStubs
{
    public static void Emit(StubAssembler a)
    {
        EmitPorts(a);
        EmitMsrs(a);
        EmitControlRegisters(a);
        EmitDescriptorTables(a);
        EmitSelectors(a);
        EmitOthers(a);
    }

    private static void One(StubAssembler a, string name, Action body)
    {
        a.Routine(name);
        body();
        a.ret();
    }

    private static void EmitPorts(StubAssembler a)
    {
        One(a, "HvIn8", () => { a.mov(edx, ecx); a.@in(al, dx); a.movzx(eax, al); });
        One(a, "HvIn16", () => { a.mov(edx, ecx); a.@in(ax, dx); a.movzx(eax, ax); });
        One(a, "HvIn32", () => { a.mov(edx, ecx); a.@in(eax, dx); });
        One(a, "HvOut8", () => { a.mov(eax, edx); a.mov(edx, ecx); a.@out(dx, al); });
        One(a, "HvOut16", () => { a.mov(eax, edx); a.mov(edx, ecx); a.@out(dx, ax); });
        One(a, "HvOut32", () => { a.mov(eax, edx); a.mov(edx, ecx); a.@out(dx, eax); });
    }

    // The instruction at HvReadMsrAccess or HvWriteMsrAccess may fault; Hv's #GP handler then goes on at HvMsrRefused.
    private static void EmitMsrs(StubAssembler a)
    {
        Label readAccess = a.CreateLabel(), writeAccess = a.CreateLabel(), refused = a.CreateLabel();

        // bool HvReadMsr(uint index, ulong* value)
        a.Routine("HvReadMsr");
        a.mov(r8, rdx);
        a.Routine("HvReadMsrAccess", ref readAccess);
        a.rdmsr();
        a.mov(__dword_ptr[r8], eax);
        a.mov(__dword_ptr[r8 + 4], edx);
        a.mov(eax, 1);
        a.ret();

        // bool HvWriteMsr(uint index, ulong value)
        a.Routine("HvWriteMsr");
        a.mov(eax, edx);
        a.shr(rdx, 32);
        a.Routine("HvWriteMsrAccess", ref writeAccess);
        a.wrmsr();
        a.mov(eax, 1);
        a.ret();

        a.Routine("HvMsrRefused", ref refused);
        a.xor(eax, eax);
        a.ret();

        One(a, "HvReadMsrAccessAddress", () => a.lea(rax, __[readAccess]));
        One(a, "HvWriteMsrAccessAddress", () => a.lea(rax, __[writeAccess]));
        One(a, "HvMsrRefusedAddress", () => a.lea(rax, __[refused]));

        One(a, "HvCurrentProcessor", () => a.AddInstruction(Instruction.Create(Code.Mov_r64_rm64, Register.RAX, new MemoryOperand(Register.None, Register.None, 1, 0, 4, false, Register.GS))));

        // void HvCpuid(uint leaf, uint subleaf, uint* eax_ebx_ecx_edx)
        a.Routine("HvCpuid");
        a.push(rbx);
        a.mov(r9, r8);
        a.mov(eax, ecx);
        a.mov(ecx, edx);
        a.cpuid();
        a.mov(__dword_ptr[r9], eax);
        a.mov(__dword_ptr[r9 + 4], ebx);
        a.mov(__dword_ptr[r9 + 8], ecx);
        a.mov(__dword_ptr[r9 + 12], edx);
        a.pop(rbx);
        a.ret();

        One(a, "HvReadTsc", () => { a.rdtsc(); a.shl(rdx, 32); a.or(rax, rdx); });
        One(a, "HvReadXcr0", () => { a.xor(ecx, ecx); a.xgetbv(); a.shl(rdx, 32); a.or(rax, rdx); });
        One(a, "HvWriteXcr0", () => { a.mov(rax, rcx); a.mov(rdx, rcx); a.shr(rdx, 32); a.xor(ecx, ecx); a.xsetbv(); });
        // void HvXsave(byte* area, ulong mask), void HvXrstor(byte* area, ulong mask)
        One(a, "HvXsave", () => { a.mov(eax, edx); a.shr(rdx, 32); a.xsave64(__[rcx]); });
        One(a, "HvXrstor", () => { a.mov(eax, edx); a.shr(rdx, 32); a.xrstor64(__[rcx]); });
        One(a, "HvFxsave", () => a.fxsave64(__[rcx]));
        One(a, "HvFxrstor", () => a.fxrstor64(__[rcx]));
    }

    private static void EmitControlRegisters(StubAssembler a)
    {
        One(a, "HvReadCr0", () => a.mov(rax, cr0));
        One(a, "HvReadCr2", () => a.mov(rax, cr2));
        One(a, "HvReadCr3", () => a.mov(rax, cr3));
        One(a, "HvReadCr4", () => a.mov(rax, cr4));
        One(a, "HvWriteCr0", () => a.mov(cr0, rcx));
        One(a, "HvWriteCr2", () => a.mov(cr2, rcx));
        One(a, "HvWriteCr3", () => a.mov(cr3, rcx));
        One(a, "HvWriteCr4", () => a.mov(cr4, rcx));
        One(a, "HvReadDr6", () => a.mov(rax, dr6));
        One(a, "HvReadDr7", () => a.mov(rax, dr7));
        One(a, "HvWriteDr6", () => a.mov(dr6, rcx));
        One(a, "HvWriteDr7", () => a.mov(dr7, rcx));
        // void HvReadDebugAddresses(ulong* four), void HvWriteDebugAddresses(ulong* four)
        One(a, "HvReadDebugAddresses", () =>
        {
            a.mov(rax, dr0); a.mov(__qword_ptr[rcx], rax);
            a.mov(rax, dr1); a.mov(__qword_ptr[rcx + 8], rax);
            a.mov(rax, dr2); a.mov(__qword_ptr[rcx + 16], rax);
            a.mov(rax, dr3); a.mov(__qword_ptr[rcx + 24], rax);
        });
        One(a, "HvWriteDebugAddresses", () =>
        {
            a.mov(rax, __qword_ptr[rcx]); a.mov(dr0, rax);
            a.mov(rax, __qword_ptr[rcx + 8]); a.mov(dr1, rax);
            a.mov(rax, __qword_ptr[rcx + 16]); a.mov(dr2, rax);
            a.mov(rax, __qword_ptr[rcx + 24]); a.mov(dr3, rax);
        });
        One(a, "HvReadFlags", () => { a.pushfq(); a.pop(rax); });
        One(a, "HvWriteFlags", () => { a.push(rcx); a.popfq(); });
    }

    private static void EmitDescriptorTables(StubAssembler a)
    {
        One(a, "HvStoreGdt", () => a.sgdt(__[rcx]));
        One(a, "HvStoreIdt", () => a.sidt(__[rcx]));
        One(a, "HvLoadIdt", () => a.lidt(__[rcx]));
        // void HvLoadGdt(void* pseudoDescriptor, ulong code, ulong data): loads the table and every segment register from it.
        a.Routine("HvLoadGdt");
        Label reloaded = a.CreateLabel();
        a.lgdt(__[rcx]);
        a.push(rdx);
        a.lea(rax, __[reloaded]);
        a.push(rax);
        a.AddInstruction(Instruction.Create(Code.Retfq));
        a.Label(ref reloaded);
        a.mov(ds, r8d);
        a.mov(es, r8d);
        a.mov(ss, r8d);
        a.xor(eax, eax);
        a.mov(fs, eax);
        a.mov(gs, eax);
        a.ret();
        One(a, "HvLoadTaskRegister", () => a.ltr(cx));
    }

    private static void EmitSelectors(StubAssembler a)
    {
        One(a, "HvReadCs", () => { a.mov(eax, cs); });
        One(a, "HvReadSs", () => { a.mov(eax, ss); });
        One(a, "HvReadDs", () => { a.mov(eax, ds); });
        One(a, "HvReadEs", () => { a.mov(eax, es); });
        One(a, "HvReadFs", () => { a.mov(eax, fs); });
        One(a, "HvReadGs", () => { a.mov(eax, gs); });
        One(a, "HvReadTr", () => { a.xor(eax, eax); a.str(ax); });
        One(a, "HvReadLdt", () => { a.xor(eax, eax); a.sldt(ax); });
    }

    private static void EmitOthers(StubAssembler a)
    {
        One(a, "HvPause", () => a.pause());
        One(a, "HvHalt", () => a.hlt());
        One(a, "HvDisableInterrupts", () => a.cli());
        One(a, "HvEnableInterrupts", () => a.sti());
        One(a, "HvWriteBackCaches", () => a.wbinvd());
        // Opens for exactly one maskable interrupt: the handler returns with interrupts disabled.
        One(a, "HvTakeOneInterrupt", () => { a.sti(); a.nop(); a.nop(); a.cli(); });
    }
}
