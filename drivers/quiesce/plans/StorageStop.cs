using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>Disk controllers that Hv does not own, by class.</summary>
internal static class StorageStop
{
    private const uint Ahci = 0x010601, Nvme = 0x010802, IdeClass = 0x0101, SdHostClass = 0x0805, BusMasterIde = 1 << 7;

    // NVM Express 1.4, 3.1.1, 3.1.5 and 3.1.6.
    private const int NvmeTimeout = 0x03, NvmeConfiguration = 0x14, NvmeState = 0x1C;
    private const uint NvmeEnable = 1 << 0, NvmeReady = 1 << 0;

    // Serial ATA AHCI 1.3.1, 3.1.2.
    private const int AhciControl = 0x04;
    private const uint AhciReset = 1 << 0, AhciInterrupts = 1 << 1;

    // Programming Interface for Bus Master IDE Controller 1.0, 2.1: the command register of each channel.
    private const int IdePrimary = 0x0, IdeSecondary = 0x8;
    private const uint IdeStart = 1 << 0;

    // SD Host Controller Simplified Specification 4.20, 2.2.13, 2.2.20 and 2.2.21.
    private const int SdReset = 0x2F, SdSignalEnable = 0x38;
    private const uint SdResetAll = 1 << 0;

    public static StopPlan? For(PciFunctionInfo function)
    {
        if (function.Class == Nvme)
        {
            return new StopPlan(0, resets: true,
            [
                StopStep.Change(NvmeConfiguration, 4, NvmeEnable, 0),
                StopStep.RequireAsDeviceSays(NvmeState, 4, NvmeReady, 0, NvmeTimeout),
            ]);
        }
        if (function.Class == Ahci)
        {
            return new StopPlan(5, resets: true,
            [
                StopStep.Change(AhciControl, 4, AhciInterrupts, 0),
                StopStep.Change(AhciControl, 4, 0, AhciReset),
                StopStep.Require(AhciControl, 4, AhciReset, 0, 1000),
            ]);
        }
        if (function.Class >> 8 == SdHostClass)
        {
            return new StopPlan(0, resets: true,
            [
                StopStep.Write(SdSignalEnable, 4, 0),
                StopStep.Write(SdReset, 1, SdResetAll),
                StopStep.Require(SdReset, 1, SdResetAll, 0, 100),
            ]);
        }
        if (function.Class >> 8 == IdeClass && (function.Class & BusMasterIde) != 0)
            return new StopPlan(4, resets: false, [StopStep.Change(IdePrimary, 1, IdeStart, 0), StopStep.Change(IdeSecondary, 1, IdeStart, 0)]);
        return null;
    }
}
