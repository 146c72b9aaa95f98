using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>SCSI and RAID controllers, by vendor and device: they have no interface in common.</summary>
internal static class ScsiStop
{
    // Vendor in bits 31:16, device in bits 15:0.
    private const uint Sym53C895A = 0x1000_0012, FusionSpi = 0x1000_0030, FusionSas = 0x1000_0054, MegaSas = 0x1000_0060,
        Pcscsi = 0x1022_2020, ParavirtualScsi = 0x15AD_07C0;

    // LSI53C895A technical manual, register 14h: interrupt status zero.
    private const int SymState = 0x14;
    private const uint SymReset = 1 << 6;

    // Fusion-MPT message passing interface 1.05, 2.1 and 2.2: doorbell, interrupt mask; states and functions in bits 31:28 and 31:24.
    private const int MptDoorbell = 0x00, MptInterruptMask = 0x30 + 4;
    private const uint MptStateMask = 0xF000_0000, MptReady = 0x1000_0000, MptUnitReset = 0x4000_0000, MptAllInterrupts = 0x9;

    // MegaRAID firmware interface: inbound doorbell, outbound interrupt mask, scratch pad with the state in bits 31:28.
    private const int MfiDoorbell = 0x20, MfiInterruptMask = 0x34, MfiState = 0xB0;
    private const uint MfiStateMask = 0xF000_0000, MfiReady = 0xB000_0000, MfiAbort = 1 << 0, MfiToReady = 1 << 1, MfiMode = 1 << 2;

    // Am53C974 data sheet: command register and DMA command register, four bytes apart, in ports.
    private const int PcscsiCommand = 0x0C, PcscsiDma = 0x40;
    private const uint PcscsiReset = 0x02, PcscsiNothing = 0x00;

    // VMware's paravirtual SCSI: the command register.
    private const int PvCommand = 0x00;
    private const uint PvReset = 1;

    public static StopPlan? For(PciFunctionInfo function) => ((uint)function.Vendor << 16 | function.Device) switch
    {
        Sym53C895A => new StopPlan(1, resets: true, [StopStep.Write(SymState, 1, SymReset), StopStep.Pause(1), StopStep.Write(SymState, 1, 0)]),
        FusionSpi or FusionSas => new StopPlan(1, resets: true,
        [
            StopStep.Write(MptInterruptMask, 4, MptAllInterrupts),
            StopStep.Write(MptDoorbell, 4, MptUnitReset),
            StopStep.Require(MptDoorbell, 4, MptStateMask, MptReady, 1000),
        ]),
        MegaSas => new StopPlan(0, resets: true,
        [
            StopStep.Write(MfiInterruptMask, 4, uint.MaxValue),
            StopStep.Write(MfiDoorbell, 4, MfiAbort | MfiToReady | MfiMode),
            StopStep.Require(MfiState, 4, MfiStateMask, MfiReady, 1000),
        ]),
        Pcscsi => new StopPlan(0, resets: true,
        [
            StopStep.Write(PcscsiDma, 4, 0),
            StopStep.Write(PcscsiCommand, 1, PcscsiReset),
            StopStep.Write(PcscsiCommand, 1, PcscsiNothing),
        ]),
        ParavirtualScsi => new StopPlan(0, resets: true, [StopStep.Write(PvCommand, 4, PvReset)]),
        _ => null,
    };
}
