using System;
using System.Runtime.InteropServices;
using Hv.Kernel.Processor;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hv.HostTests.Instructions;

/// <summary>Runs one instruction on the machine's own processor with chosen registers and flags.</summary>
internal sealed unsafe class NativeCode : IDisposable
{
    /// <summary>What the instruction starts from, and what it leaves. RSP is not loaded.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct State
    {
        public GuestRegisters Registers;
        public ulong Rflags;
    }

    private const int PageBytes = 4096;
    private const int FlagsOffset = GuestRegisters.Count * 8;
    private const int ReadWriteExecute = 7;
    private const int PrivateAnonymous = 0x22;

    private readonly byte* _page;
    private readonly byte[] _before;
    private readonly byte[] _after;

    public NativeCode()
    {
        _page = (byte*)Map(null, PageBytes, ReadWriteExecute, PrivateAnonymous, -1, 0);
        if (_page == (byte*)-1)
            throw new InvalidOperationException("no executable memory");
        _before = Assemble(Before);
        _after = Assemble(After);
    }

    /// <summary>Runs <paramref name="instruction"/>; it must neither use RSP nor jump.</summary>
    public void Run(ReadOnlySpan<byte> instruction, State* state)
    {
        var page = new Span<byte>(_page, PageBytes);
        _before.CopyTo(page);
        instruction.CopyTo(page[_before.Length..]);
        _after.CopyTo(page[(_before.Length + instruction.Length)..]);
        ((delegate* unmanaged<State*, void>)_page)(state);
    }

    public void Dispose() => Unmap(_page, PageBytes);

    private static readonly AssemblerRegister64[] Numbered =
        [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15];

    private static void Before(Assembler code)
    {
        foreach (AssemblerRegister64 saved in new[] { rbx, rbp, r12, r13, r14, r15, rdi })
            code.push(saved);
        code.push(__qword_ptr[rdi + FlagsOffset]);
        code.popfq();
        for (int i = 0; i < GuestRegisters.Count; i++)
        {
            if (i is not (4 or 7))
                code.mov(Numbered[i], __qword_ptr[rdi + i * 8]);
        }
        code.mov(rdi, __qword_ptr[rdi + 7 * 8]);
    }

    private static void After(Assembler code)
    {
        code.push(rdi);
        code.mov(rdi, __qword_ptr[rsp + 8]);
        for (int i = 0; i < GuestRegisters.Count; i++)
        {
            if (i is not (4 or 7))
                code.mov(__qword_ptr[rdi + i * 8], Numbered[i]);
        }
        code.pop(rax);
        code.mov(__qword_ptr[rdi + 7 * 8], rax);
        code.pushfq();
        code.pop(__qword_ptr[rdi + FlagsOffset]);
        code.cld();
        foreach (AssemblerRegister64 saved in new[] { rdi, r15, r14, r13, r12, rbp, rbx })
            code.pop(saved);
        code.ret();
    }

    private static byte[] Assemble(Action<Assembler> write)
    {
        var code = new Assembler(64);
        write(code);
        var stream = new System.IO.MemoryStream();
        code.Assemble(new StreamCodeWriter(stream), 0);
        return stream.ToArray();
    }

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern void* Map(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern int Unmap(void* address, nuint length);
}
