namespace Hv.Kernel.Vmx;

/// <summary>Basic exit reasons (Intel SDM vol. 3D, appendix C) that Hv tells apart, and how their details are coded.</summary>
internal static class VmxExitReason
{
#pragma warning disable CS1591 // named as the manual names them
    public const uint ExceptionOrNmi = 0, ExternalInterrupt = 1, TripleFault = 2, Init = 3, InterruptWindow = 7, NmiWindow = 8, TaskSwitch = 9,
        Cpuid = 10, Getsec = 11, Hlt = 12, Invd = 13, Vmcall = 18, Vmclear = 19, Vmxon = 27, ControlRegister = 28, Io = 30, Rdmsr = 31, Wrmsr = 32,
        Mwait = 36, Monitor = 39, EptViolation = 48, EptMisconfiguration = 49, Invept = 50, PreemptionTimer = 52, Invvpid = 53, Xsetbv = 55,
        Vmfunc = 59;
#pragma warning restore CS1591

    /// <summary>The basic reason's bits.</summary>
    public const uint BasicMask = 0xFFFF;

    /// <summary>The processor did not enter the guest.</summary>
    public const uint EntryFailure = 1u << 31;

    /// <summary>Exit qualification of an EPT violation (table 28-7): data write, fetch, IRET had ended NMI blocking.</summary>
    public const ulong ViolationWrite = 1 << 1, ViolationFetch = 1 << 2, ViolationNmiUnblocked = 1 << 12;

    /// <summary>Exit qualification of an I/O instruction (table 28-5): bytes less one in 2:0, the port in 31:16.</summary>
    public const ulong IoSizeMask = 7, IoInput = 1 << 3, IoString = 1 << 4;

    /// <summary>Where the port number starts.</summary>
    public const int IoPortShift = 16;

    /// <summary>Exit qualification of an access to a control register (table 28-3): number in 3:0, kind in 5:4, register in 11:8.</summary>
    public const int ControlKindShift = 4, ControlOperandShift = 8;

    /// <summary>The kind MOV to CR.</summary>
    public const uint ControlMoveTo = 0;

    /// <summary>The register's number; CR8 is the task priority.</summary>
    public const ulong ControlNumberMask = 15, ControlTaskPriority = 8;
}
