namespace Hv.Kernel.Svm;

/// <summary>The virtual machine control block (AMD APM vol. 2, appendix B): byte offsets of the fields that Hv uses.</summary>
internal static class Vmcb
{
#pragma warning disable CS1591 // named as the manual names them
    public const int InterceptControlReads = 0x000, InterceptControlWrites = 0x002;
    public const ushort InterceptCr8 = 1 << 8;
    public const int InterceptExceptions = 0x008, InterceptMisc1 = 0x00C, InterceptMisc2 = 0x010, IopmBase = 0x040, MsrpmBase = 0x048,
        TscOffset = 0x050, GuestAsid = 0x058, TlbControl = 0x05C, VirtualInterrupt = 0x060, InterruptShadow = 0x068, ExitCode = 0x070,
        ExitInfo1 = 0x078, ExitInfo2 = 0x080, ExitIntInfo = 0x088, NestedControl = 0x090, EventInjection = 0x0A8, NestedCr3 = 0x0B0,
        CleanBits = 0x0C0, NextRip = 0x0C8;

    public const int Es = 0x400, Cs = 0x410, Ss = 0x420, Ds = 0x430, Fs = 0x440, Gs = 0x450, Gdtr = 0x460, Ldtr = 0x470, Idtr = 0x480,
        Tr = 0x490, Cpl = 0x4CB, Efer = 0x4D0, Cr4 = 0x548, Cr3 = 0x550, Cr0 = 0x558, Dr7 = 0x560, Dr6 = 0x568, Rflags = 0x570, Rip = 0x578,
        Rsp = 0x5D8, Rax = 0x5F8, Star = 0x600, Lstar = 0x608, Cstar = 0x610, SyscallMask = 0x618, KernelGsBase = 0x620, SysenterCs = 0x628,
        SysenterEsp = 0x630, SysenterEip = 0x638, Cr2 = 0x640, Pat = 0x668;
#pragma warning restore CS1591

    /// <summary>First exit code of each intercept word: bit n of the word leads to this code plus n (B-1, C-1).</summary>
    public const int Misc1Codes = 0x60, Misc2Codes = 0x80;

    /// <summary>InterceptExceptions: #GP, vector 13.</summary>
    public const uint InterceptGeneralProtection = 1 << 13;

    /// <summary>TLB_CONTROL: flush everything at the next VMRUN.</summary>
    public const byte FlushAll = 1;

    /// <summary>NestedControl: nested paging is on.</summary>
    public const ulong NestedPagingEnable = 1;

    /// <summary>VirtualInterrupt: V_IRQ, V_IGN_TPR, V_INTR_MASKING; the priority is 19:16, the vector 39:32.</summary>
    public const ulong VirtualIrq = 1 << 8, IgnoreTpr = 1 << 20, InterruptMasking = 1 << 24, HighestPriority = 0xFul << 16;

    /// <summary>EventInjection and ExitIntInfo: vector 7:0, type 10:8, error code valid 11, valid 31, error code 63:32 (15.20).</summary>
    public const ulong EventValid = 1u << 31, EventHasErrorCode = 1 << 11, EventInterrupt = 0 << 8, EventNmi = 2 << 8, EventException = 3 << 8,
        EventSoftware = 4 << 8, EventTypeMask = 7 << 8;
}
