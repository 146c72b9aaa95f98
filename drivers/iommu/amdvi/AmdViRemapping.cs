using Hv.Drivers.Control;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Iommu.AmdVi;

/// <summary>All AMD-Vi units of a machine, with the same device table.</summary>
public sealed unsafe class AmdViRemapping : DmaRemapping
{
    private readonly AmdViDeviceTable _table;

    private AmdViRemapping(RemappingUnit[] units, AmdViDeviceTable table) : base(units)
    {
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
        var started = new RemappingUnit[units.Length];
        Status status = answers == null ? Status.OutOfMemory : Status.Ok;
        for (int i = 0; i < units.Length && status == Status.Ok; i++)
        {
            byte* commands = pages.TakePage(), events = pages.TakePage();
            status = commands == null || events == null ? Status.OutOfMemory : units[i].Enable(table.Address, commands, events, (ulong*)answers + i);
            started[i] = units[i];
            for (int on = 0; on < i && status != Status.Ok; on++)
                units[on].Disable();
        }
        return status == Status.Ok ? new AmdViRemapping(started, table) : status;
    }

    /// <inheritdoc/>
    public override RemappingState Kind => RemappingState.AmdVi;

    /// <inheritdoc/>
    protected override Status Change(PciAddress requester, DmaAccess access)
    {
        _table.Set(requester, access);
        return Status.Ok;
    }
}
