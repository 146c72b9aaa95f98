using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hv.Stubs;

/// <summary>World switches: VM entry and exit for both back-ends, the launch that turns the caller into a guest, hypercalls.</summary>
internal static class GuestStubs
{
    // VcpuRegisters: sixteen general registers in encoding order, then XMM0 to XMM5 (the others C# code preserves by itself).
    private static readonly AssemblerRegister64[] s_general =
        [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];
    private static readonly AssemblerRegisterXMM[] s_volatile = [xmm0, xmm1, xmm2, xmm3, xmm4, xmm5];
    private const int XmmOffset = 16 * 8;
    private const int Rax = 0, Rcx = 1, Rsp = 4;

    public static void Emit(StubAssembler a)
    {
        EmitSvm(a);
        EmitVmx(a);
        EmitLaunch(a);
        EmitHypercalls(a);
    }

    // void HvSvmRun(VcpuRegisters* registers, ulong guestVmcb, ulong hostVmcb), both VMCBs by host-physical address.
    // Global interrupts are off (GIF = 0) before and after. Guest RAX and RSP are in the VMCB.
    private static void EmitSvm(StubAssembler a)
    {
        a.Routine("HvSvmRun");
        PushPreserved(a);
        a.push(r8);
        a.push(rcx);
        LoadXmm(a);
        a.mov(rax, rdx);
        LoadGeneral(a, exceptRax: true);
        a.AddInstruction(Instruction.Create(Code.Vmloadq));
        a.AddInstruction(Instruction.Create(Code.Vmrunq));
        a.AddInstruction(Instruction.Create(Code.Vmsaveq));
        a.xchg(__qword_ptr[rsp], rcx); // rcx = registers, the stack holds the guest's rcx
        StoreGeneral(a, exceptRax: true);
        a.pop(rdx);
        a.mov(__qword_ptr[rcx + Rcx * 8], rdx);
        StoreXmm(a);
        a.pop(rax);
        a.AddInstruction(Instruction.Create(Code.Vmloadq));
        PopPreserved(a);
        a.ret();
        a.Routine("HvClearGlobalInterrupts");
        a.clgi();
        a.ret();
        a.Routine("HvSetGlobalInterrupts");
        a.stgi();
        a.ret();
        // With maskable interrupts off, so that nothing but an NMI ends the HLT. The NMI handler steps over a HLT that it finds before it.
        Label halt = a.CreateLabel();
        a.Routine("HvHaltUntilNmi");
        a.cli();
        a.stgi();
        a.Routine("HvHaltForNmi", ref halt);
        a.hlt();
        a.clgi();
        a.sti();
        a.ret();
        a.Routine("HvHaltUntilNmiAddress");
        a.lea(rax, __[halt]);
        a.ret();
        // Repeated, because QEMU looks for one pending event only behind each STGI.
        a.Routine("HvTakeNmi");
        a.cli();
        a.stgi();
        a.stgi();
        a.stgi();
        a.nop();
        a.clgi();
        a.sti();
        a.ret();
        a.Routine("HvVmsave");
        a.mov(rax, rcx);
        a.AddInstruction(Instruction.Create(Code.Vmsaveq));
        a.ret();
    }

    // uint HvVmxEnter(VcpuRegisters* registers, bool launched): 0 after an exit, 1 if the entry failed with a VMCS error, 2 without.
    private static void EmitVmx(StubAssembler a)
    {
        const uint hostRsp = 0x6C14; // VMCS field encoding, Intel SDM vol. 3D, appendix B.4.4
        Label exit = a.CreateLabel(), resume = a.CreateLabel(), failed = a.CreateLabel(), done = a.CreateLabel(), invalid = a.CreateLabel();
        a.Routine("HvVmxEnter");
        PushPreserved(a);
        a.push(rcx);
        a.mov(eax, hostRsp);
        a.vmwrite(rax, rsp);
        LoadXmm(a);
        a.test(dl, dl);
        LoadGeneral(a, exceptRax: false);
        a.jnz(resume);
        a.vmlaunch();
        a.jmp(failed);
        a.Label(ref resume);
        a.vmresume();
        a.Label(ref failed);
        a.pop(rcx);
        a.jc(invalid);
        a.mov(eax, 1);
        a.jmp(done);
        a.Label(ref invalid);
        a.mov(eax, 2);
        a.jmp(done);
        a.Routine("HvVmxExit", ref exit);
        a.xchg(__qword_ptr[rsp], rcx);
        StoreGeneral(a, exceptRax: false);
        a.pop(rax);
        a.mov(__qword_ptr[rcx + Rcx * 8], rax);
        StoreXmm(a);
        a.xor(eax, eax);
        a.Label(ref done);
        PopPreserved(a);
        a.ret();
        a.Routine("HvVmxExitAddress");
        a.lea(rax, __[exit]);
        a.ret();

        // uint HvVm...(...): 0 = done, 1 = failed with an error number in the current VMCS, 2 = failed without (SDM vol. 3C, 31.2).
        Operation(a, "HvVmxon", () => { a.push(rcx); a.vmxon(__[rsp]); }, pushed: true);
        Operation(a, "HvVmclear", () => { a.push(rcx); a.vmclear(__[rsp]); }, pushed: true);
        Operation(a, "HvVmptrld", () => { a.push(rcx); a.vmptrld(__[rsp]); }, pushed: true);
        Operation(a, "HvVmwrite", () => a.vmwrite(rcx, rdx), pushed: false);
        Operation(a, "HvVmread", () => a.vmread(__qword_ptr[rdx], rcx), pushed: false);
        Operation(a, "HvInvept", () => a.invept(rcx, __xmmword_ptr[rdx]), pushed: false);
        Operation(a, "HvInvvpid", () => a.invvpid(rcx, __xmmword_ptr[rdx]), pushed: false);
        a.Routine("HvVmxoff");
        a.vmxoff();
        a.ret();
    }

    // ulong HvLaunch(function, void* argument, void* stackTop): calls function(argument, stack pointer, address to go on at) on the
    // new stack. If it returns, so does this, with its result. When a guest is entered with that stack pointer and address,
    // this returns all ones, in the guest.
    private static void EmitLaunch(StubAssembler a)
    {
        Label resumed = a.CreateLabel();
        a.Routine("HvLaunch");
        PushPreserved(a);
        SaveXmmPreserved(a);
        a.mov(rax, rcx);
        a.mov(rcx, rdx);
        a.mov(rdx, rsp);
        a.mov(rbx, rsp);
        a.mov(rsp, r8);
        a.lea(r8, __[resumed]);
        a.sub(rsp, 32);
        a.call(rax);
        a.mov(rsp, rbx);
        RestoreXmmPreserved(a);
        PopPreserved(a);
        a.ret();
        a.Label(ref resumed);
        RestoreXmmPreserved(a);
        PopPreserved(a);
        a.mov(rax, -1);
        a.ret();
    }

    // ulong HvVmcall/HvVmmcall(ulong number, ulong a, ulong b, ulong c): the number goes in rax, the arguments stay in rdx, r8, r9.
    private static void EmitHypercalls(StubAssembler a)
    {
        a.Routine("HvVmcall");
        a.mov(rax, rcx);
        a.vmcall();
        a.ret();
        a.Routine("HvVmmcall");
        a.mov(rax, rcx);
        a.vmmcall();
        a.ret();
    }

    private static void Operation(StubAssembler a, string name, System.Action body, bool pushed)
    {
        Label invalid = a.CreateLabel(), failed = a.CreateLabel();
        a.Routine(name);
        body();
        if (pushed)
            a.lea(rsp, __[rsp + 8]); // leaves the flags alone
        a.jc(invalid);
        a.jz(failed);
        a.xor(eax, eax);
        a.ret();
        a.Label(ref failed);
        a.mov(eax, 1);
        a.ret();
        a.Label(ref invalid);
        a.mov(eax, 2);
        a.ret();
    }

    internal static void PushPreserved(StubAssembler a)
    {
        a.push(rbx);
        a.push(rbp);
        a.push(rsi);
        a.push(rdi);
        a.push(r12);
        a.push(r13);
        a.push(r14);
        a.push(r15);
    }

    internal static void PopPreserved(StubAssembler a)
    {
        a.pop(r15);
        a.pop(r14);
        a.pop(r13);
        a.pop(r12);
        a.pop(rdi);
        a.pop(rsi);
        a.pop(rbp);
        a.pop(rbx);
    }

    internal static void SaveXmmPreserved(StubAssembler a)
    {
        AssemblerRegisterXMM[] preserved = [xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15];
        a.sub(rsp, preserved.Length * 16);
        for (int i = 0; i < preserved.Length; i++)
            a.movups(__xmmword_ptr[rsp + i * 16], preserved[i]);
    }

    internal static void RestoreXmmPreserved(StubAssembler a)
    {
        AssemblerRegisterXMM[] preserved = [xmm6, xmm7, xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15];
        for (int i = 0; i < preserved.Length; i++)
            a.movups(preserved[i], __xmmword_ptr[rsp + i * 16]);
        a.add(rsp, preserved.Length * 16);
    }

    // Moves do not touch the flags, so a test before this decides after it.
    private static void LoadGeneral(StubAssembler a, bool exceptRax)
    {
        for (int i = 0; i < s_general.Length; i++)
        {
            if (i != Rcx && i != Rsp && !(exceptRax && i == Rax))
                a.mov(s_general[i], __qword_ptr[rcx + i * 8]);
        }
        a.mov(rcx, __qword_ptr[rcx + Rcx * 8]);
    }

    private static void StoreGeneral(StubAssembler a, bool exceptRax)
    {
        for (int i = 0; i < s_general.Length; i++)
        {
            if (i != Rcx && i != Rsp && !(exceptRax && i == Rax))
                a.mov(__qword_ptr[rcx + i * 8], s_general[i]);
        }
    }

    private static void LoadXmm(StubAssembler a)
    {
        for (int i = 0; i < s_volatile.Length; i++)
            a.movups(s_volatile[i], __xmmword_ptr[rcx + XmmOffset + i * 16]);
    }

    private static void StoreXmm(StubAssembler a)
    {
        for (int i = 0; i < s_volatile.Length; i++)
            a.movups(__xmmword_ptr[rcx + XmmOffset + i * 16], s_volatile[i]);
    }
}
