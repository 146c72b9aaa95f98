using Hv.Drivers.Control;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Iommu.AmdVi;

/// <summary>All AMD-Vi units of a machine, with the same device table.</summary>
public sealed unsafe class AmdViRemapping : DmaRemapping
{
    private const int MostFaultsAtOnce = 256;

    private readonly AmdViUnit[] _units;
    private readonly AmdViDeviceTable _table;

    private AmdViRemapping(AmdViUnit[] units, AmdViDeviceTable table)
    {
        _units = units;
        _table = table;
    }

    /// <summary>
    /// Whether the units can be used. <see cref="Status.Unsupported"/>: one lacks something. <see cref="Status.InvalidState"/>: one is in use already.
    /// </summary>
    public static Status Check(AmdViUnit[] units)
    {
        for (int i = 0; i < units.Length; i++)
        {
            if (!units[i].IsUsable)
                return Status.Unsupported;
            if (!units[i].IsFree)
                return Status.InvalidState;
        }
        return Status.Ok;
    }

    /// <summary>
    /// Turns all units on. Every device reaches what <paramref name="guests"/> maps. <paramref name="deviceTable"/>: <see cref="AmdViDeviceTable.Pages"/> pages.
    /// <see cref="Status.Timeout"/>, <see cref="Status.OutOfMemory"/>: all are off. Allocates: at boot only.
    /// </summary>
    public static Result<AmdViRemapping> Start(AmdViUnit[] units, PageTable guests, PageTable everything, byte* deviceTable, PageSource pages)
    {
        var table = new AmdViDeviceTable(deviceTable, guests.Root, everything.Root);
        byte* answers = pages.TakePage();
        Status status = answers == null ? Status.OutOfMemory : Status.Ok;
        for (int i = 0; i < units.Length && status == Status.Ok; i++)
        {
            byte* commands = pages.TakePage(), events = pages.TakePage();
            status = commands == null || events == null ? Status.OutOfMemory : units[i].Enable(table.Address, commands, events, (ulong*)answers + i);
            for (int on = 0; on < i && status != Status.Ok; on++)
                units[on].Disable();
        }
        return status == Status.Ok ? new AmdViRemapping(units, table) : status;
    }

    /// <inheritdoc/>
    public override RemappingState Kind => RemappingState.AmdVi;

    /// <inheritdoc/>
    public override int Units => _units.Length;

    /// <inheritdoc/>
    public override Status Set(PciAddress requester, DmaAccess access)
    {
        _table.Set(requester, access);
        Status status = Status.Ok;
        for (int i = 0; i < _units.Length && status == Status.Ok; i++)
            status = _units[i].Invalidate();
        return status;
    }

    /// <inheritdoc/>
    public override Status Restart()
    {
        Status status = Status.Ok;
        for (int i = 0; i < _units.Length && status == Status.Ok; i++)
            status = _units[i].Restart();
        for (int i = 0; i < _units.Length && status != Status.Ok; i++)
            _units[i].Disable();
        return status;
    }

    /// <inheritdoc/>
    public override void CollectFaults()
    {
        for (int i = 0; i < _units.Length; i++)
        {
            // A device that does not stop must not keep Hv here.
            for (int n = 0; n < MostFaultsAtOnce && _units[i].TryTakeFault(out DmaFault fault); n++)
                Add(in fault);
        }
    }
}
