namespace Hv.Kernel.Svm;

/// <summary>#VMEXIT codes (AMD APM vol. 2, appendix C) that Hv asks for, and their intercept bits by subtraction.</summary>
internal static class SvmExitCode
{
#pragma warning disable CS1591 // named as the manual names them
    public const int ReadCr8 = 0x08, WriteCr8 = 0x18, GeneralProtection = 0x4D, Interrupt = 0x60, Nmi = 0x61, Init = 0x63, VirtualInterrupt = 0x64, Cpuid = 0x72, Iret = 0x74, Invd = 0x76, Halt = 0x78, InvlpgA = 0x7A,
        Ioio = 0x7B, Msr = 0x7C, Shutdown = 0x7F, Vmrun = 0x80, Vmmcall = 0x81, Vmload = 0x82, Vmsave = 0x83, Stgi = 0x84, Clgi = 0x85,
        Skinit = 0x86, Monitor = 0x8A, Mwait = 0x8B, Xsetbv = 0x8D, NestedPageFault = 0x400;
#pragma warning restore CS1591
}
