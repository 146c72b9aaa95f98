using Hv.Drivers.Ahci;
using Hv.Drivers.Ata;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Real;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Kernel.Time;

namespace Hv.Shadow.Disk;

/// <summary>Starts Hv's own driver for the disk that the OS is on.</summary>
public static class BootDisk
{
    private const uint ClassNvme = 0x01_08_02, ClassAhci = 0x01_06_01, ClassIde = 0x01_01_00, SubclassMask = 0xFFFF00;
    private const int AhciBar = 5;

    /// <summary>
    /// Takes the disk <paramref name="unit"/> of <paramref name="controller"/>, from which the firmware's driver has been disconnected.
    /// <see cref="Status.Unsupported"/>: no driver for this class of controller; other errors are the device's. While booting only.
    /// </summary>
    public static Result<BlockDevice> Open(PciHost host, PciFunctionInfo controller, uint unit, PortDevice ports, TimeSource time, PageSource pages)
    {
        const ushort decodeAndMaster = PciRegister.CommandIo | PciRegister.CommandMemory | PciRegister.CommandBusMaster;
        host.ChangeCommand(controller.Address, decodeAndMaster | PciRegister.CommandIntxDisable, 0);
        if (controller.Class == ClassNvme)
        {
            var disk = new NvmeDisk(new RealMmio(new HostPhysical(controller.Bars[0].Address)), time, unit);
            return Opened(disk, disk.Initialize(pages));
        }
        if (controller.Class == ClassAhci)
        {
            var registers = new AhciController(new RealMmio(new HostPhysical(controller.Bars[AhciBar].Address)), time);
            Status reset = registers.Reset();
            if (reset != Status.Ok)
                return reset;
            var disk = new AhciDisk(registers, time, (int)unit);
            return Opened(disk, disk.Initialize(pages));
        }
        if ((controller.Class & SubclassMask) == ClassIde)
        {
            var disk = new IdeDisk(ports, IdePorts.Of(controller, (int)(unit / 2)), time, (int)(unit / 2), (int)(unit % 2));
            return Opened(disk, disk.Initialize(pages));
        }
        return Status.Unsupported;
    }

    private static Result<BlockDevice> Opened(BlockDevice disk, Status status) => status == Status.Ok ? disk : status;
}
