using Hv.Drivers.Control;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;

namespace Hv.Drivers.Iommu;

/// <summary>The machine's DMA remapping units, in use by Hv: what the devices' own requests reach.</summary>
/// <remarks>Devices start with <see cref="DmaAccess.Guests"/>. Changed by the processor that makes a switch, or while booting.</remarks>
public abstract class DmaRemapping
{
    private const int MostFaultsAtOnce = 256;
    private const int ExpressPortShift = 4, ExpressPortMask = 0xF, ExpressToPciBridge = 7;

    private readonly RemappingUnit[] _units;

    /// <summary>With units that are on, and have the same tables.</summary>
    protected DmaRemapping(RemappingUnit[] units) => _units = units;

    /// <summary>The kind of the units.</summary>
    public abstract RemappingState Kind { get; }

    /// <summary>How many units there are.</summary>
    public int Units => _units.Length;

    /// <summary>Requests refused, as far as the units have recorded them, up to the last <see cref="CollectFaults"/>.</summary>
    public ulong FaultCount { get; private set; }

    /// <summary>The last of them.</summary>
    public DmaFault LastFault { get; private set; }

    /// <summary>
    /// Changes what requests with this ID reach, for good when it returns. <see cref="Status.NotFound"/>: no device was on that bus at boot.
    /// <see cref="Status.Timeout"/>: a unit does not answer.
    /// </summary>
    public Status Set(PciAddress requester, DmaAccess access)
    {
        Status status = Change(requester, access);
        for (int i = 0; i < _units.Length && status == Status.Ok; i++)
            status = _units[i].Invalidate();
        return status;
    }

    /// <summary>
    /// Turns the units on again, with what they had been told, after they have lost all their registers (suspend to RAM).
    /// <see cref="Status.Timeout"/>: one does not start; all are off.
    /// </summary>
    public Status Restart()
    {
        Status status = Status.Ok;
        for (int i = 0; i < _units.Length && status == Status.Ok; i++)
            status = _units[i].Restart();
        for (int i = 0; i < _units.Length && status != Status.Ok; i++)
            _units[i].Disable();
        return status;
    }

    /// <summary>Takes the faults that the units have recorded since the last time.</summary>
    public void CollectFaults()
    {
        for (int i = 0; i < _units.Length; i++)
        {
            // A device that does not stop must not keep Hv here.
            for (int n = 0; n < MostFaultsAtOnce && _units[i].TryTakeFault(out DmaFault fault); n++)
            {
                FaultCount++;
                LastFault = fault;
            }
        }
    }

    /// <summary>
    /// Changes what <paramref name="function"/> reaches. Behind a bridge to conventional PCI its requests may have the bridge's ID: then
    /// all devices behind it share the fate.
    /// </summary>
    public Status Set(PciHost host, PciFunctionTable table, PciFunctionInfo function, DmaAccess access)
    {
        Status status = Set(function.Address, access);
        PciAddress alias = Alias(host, table, function);
        return status == Status.Ok && alias != function.Address ? Set(alias, access) : status;
    }

    /// <summary>The ID with which requests of <paramref name="function"/> may arrive besides its own (PCI Express to PCI Bridge 1.0, 2.3); else its own.</summary>
    public static PciAddress Alias(PciHost host, PciFunctionTable table, PciFunctionInfo function)
    {
        PciAddress alias = function.Address;
        for (PciFunctionInfo? bridge = table.FindBridge(function); bridge != null; bridge = table.FindBridge(bridge))
        {
            int port = bridge.PciExpress == 0 ? -1
                : host.Read16(bridge.Address, bridge.PciExpress + PciCapability.ExpressFlags) >> ExpressPortShift & ExpressPortMask;
            if (port < 0)
                alias = bridge.Address;
            else if (port == ExpressToPciBridge)
                alias = new PciAddress(bridge.SecondaryBus, 0, 0);
        }
        return alias;
    }

    /// <summary>Changes the units' tables for requests with this ID; the units are told by the caller. <see cref="Status.NotFound"/>: as <see cref="Set(PciAddress, DmaAccess)"/>.</summary>
    protected abstract Status Change(PciAddress requester, DmaAccess access);
}
