using System.Runtime.InteropServices;

namespace Hv.Kernel.Processor;

/// <summary>A guest's sixteen general-purpose registers in encoding order, as the entry and exit stubs load and store them.</summary>
/// <remarks>The stubs know this layout: register n lies at byte 8n. RIP and RFLAGS live in the VMCS or VMCB, and so does RSP while the guest runs.</remarks>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct GuestRegisters
{
    /// <summary>How many registers there are.</summary>
    public const int Count = 16;

    /// <summary>Register 0.</summary>
    public ulong Rax;
    /// <summary>Register 1.</summary>
    public ulong Rcx;
    /// <summary>Register 2.</summary>
    public ulong Rdx;
    /// <summary>Register 3.</summary>
    public ulong Rbx;
    /// <summary>Register 4.</summary>
    public ulong Rsp;
    /// <summary>Register 5.</summary>
    public ulong Rbp;
    /// <summary>Register 6.</summary>
    public ulong Rsi;
    /// <summary>Register 7.</summary>
    public ulong Rdi;
    /// <summary>Register 8.</summary>
    public ulong R8;
    /// <summary>Register 9.</summary>
    public ulong R9;
    /// <summary>Register 10.</summary>
    public ulong R10;
    /// <summary>Register 11.</summary>
    public ulong R11;
    /// <summary>Register 12.</summary>
    public ulong R12;
    /// <summary>Register 13.</summary>
    public ulong R13;
    /// <summary>Register 14.</summary>
    public ulong R14;
    /// <summary>Register 15.</summary>
    public ulong R15;

    /// <summary>All 64 bits of register <paramref name="number"/> (0 to 15, of which only the low four bits count).</summary>
    public ulong Read(int number)
    {
        fixed (ulong* first = &Rax)
            return first[number & (Count - 1)];
    }

    /// <summary>The low <paramref name="size"/> bytes (1, 2, 4 or 8) of register <paramref name="number"/>, zero-extended.</summary>
    public ulong Read(int number, int size) => Read(number) & Mask(size);

    /// <summary>
    /// Writes the low <paramref name="size"/> bytes of register <paramref name="number"/> as an instruction does:
    /// 1 and 2 bytes leave the rest alone, 4 bytes clear the upper half (Intel SDM vol. 1, 3.4.1.1).
    /// </summary>
    public void Write(int number, int size, ulong value)
    {
        fixed (ulong* first = &Rax)
        {
            ulong* register = first + (number & (Count - 1));
            ulong written = Mask(size);
            ulong kept = size < 4 ? *register & ~written : 0;
            *register = kept | (value & written);
        }
    }

    private static ulong Mask(int size) => size >= 8 ? ulong.MaxValue : (1ul << (size * 8)) - 1;
}
