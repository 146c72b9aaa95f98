namespace Hv.Kernel.Vmx;

/// <summary>Encodings of the VMCS fields that Hv uses (Intel SDM vol. 3D, appendix B).</summary>
public static class VmcsField
{
#pragma warning disable CS1591 // named as the manual names them
    // 16 bits: control, guest, host. The guest's segment fields lie two apart, in the order ES, CS, SS, DS, FS, GS, LDTR, TR.
    public const uint Vpid = 0x0000;
    public const uint GuestEsSelector = 0x0800;
    public const uint HostEsSelector = 0x0C00, HostCsSelector = 0x0C02, HostSsSelector = 0x0C04, HostDsSelector = 0x0C06,
        HostFsSelector = 0x0C08, HostGsSelector = 0x0C0A, HostTrSelector = 0x0C0C;

    // 64 bits: control, read-only, guest, host.
    public const uint IoBitmapA = 0x2000, IoBitmapB = 0x2002, MsrBitmaps = 0x2004, EptPointer = 0x201A,
        XssExitingBitmap = 0x202C;
    public const uint GuestPhysicalAddress = 0x2400;
    public const uint LinkPointer = 0x2800, GuestDebugCtl = 0x2802, GuestPat = 0x2804, GuestEfer = 0x2806, GuestPdpte0 = 0x280A;
    public const uint HostPat = 0x2C00, HostEfer = 0x2C02;

    // 32 bits: control, read-only, guest, host.
    public const uint PinBasedControls = 0x4000, ProcessorBasedControls = 0x4002, ExceptionBitmap = 0x4004, Cr3TargetCount = 0x400A,
        ExitControls = 0x400C, ExitMsrStoreCount = 0x400E, ExitMsrLoadCount = 0x4010, EntryControls = 0x4012, EntryMsrLoadCount = 0x4014,
        EntryInterruptionInformation = 0x4016, EntryExceptionErrorCode = 0x4018, EntryInstructionLength = 0x401A,
        SecondaryControls = 0x401E;
    public const uint InstructionError = 0x4400, ExitReason = 0x4402, ExitInterruptionInformation = 0x4404, IdtVectoringInformation = 0x4408,
        IdtVectoringErrorCode = 0x440A, ExitInstructionLength = 0x440C;
    public const uint GuestEsLimit = 0x4800, GuestGdtrLimit = 0x4810, GuestIdtrLimit = 0x4812, GuestEsAccessRights = 0x4814,
        GuestInterruptibility = 0x4824, GuestActivity = 0x4826, GuestSysenterCs = 0x482A, PreemptionTimer = 0x482E;
    public const uint HostSysenterCs = 0x4C00;

    // Natural width: control, read-only, guest, host.
    public const uint Cr0Mask = 0x6000, Cr4Mask = 0x6002, Cr0ReadShadow = 0x6004, Cr4ReadShadow = 0x6006;
    public const uint ExitQualification = 0x6400, GuestLinearAddress = 0x640A;
    public const uint GuestCr0 = 0x6800, GuestCr3 = 0x6802, GuestCr4 = 0x6804, GuestEsBase = 0x6806, GuestGdtrBase = 0x6816,
        GuestIdtrBase = 0x6818, GuestDr7 = 0x681A, GuestRsp = 0x681C, GuestRip = 0x681E, GuestRflags = 0x6820, GuestPendingDebug = 0x6822,
        GuestSysenterEsp = 0x6824, GuestSysenterEip = 0x6826;
    public const uint HostCr0 = 0x6C00, HostCr3 = 0x6C02, HostCr4 = 0x6C04, HostFsBase = 0x6C06, HostGsBase = 0x6C08, HostTrBase = 0x6C0A,
        HostGdtrBase = 0x6C0C, HostIdtrBase = 0x6C0E, HostSysenterEsp = 0x6C10, HostSysenterEip = 0x6C12, HostRip = 0x6C16;

    /// <summary>Positions of the segments among the guest's segment fields.</summary>
    public const uint Es = 0, Cs = 1, Ss = 2, Ds = 3, Fs = 4, Gs = 5, Ldtr = 6, Tr = 7;
#pragma warning restore CS1591
}
