using System;
using Hv.Drivers.Control;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Iommu.Vtd;

/// <summary>All VT-d units of a machine, with the same tables.</summary>
public sealed unsafe class VtdRemapping : DmaRemapping
{
    private const int FourLevels = 4;

    private readonly VtdTables _tables;

    private VtdRemapping(RemappingUnit[] units, VtdTables tables) : base(units)
    {
        _tables = tables;
    }

    /// <summary>
    /// Whether the units can be used for addresses below <paramref name="end"/>. <see cref="Status.Unsupported"/>: one lacks something.
    /// <see cref="Status.InvalidState"/>: one is in use already.
    /// </summary>
    public static Status Check(VtdUnit[] units, ulong end)
    {
        for (int i = 0; i < units.Length; i++)
        {
            if (!units[i].IsUsable || end > 1ul << Math.Min(units[i].AddressBits, AddressBitsOf(Levels(units))))
                return Status.Unsupported;
            if (!units[i].IsFree)
                return Status.InvalidState;
        }
        return Levels(units) == 0 ? Status.Unsupported : Status.Ok;
    }

    /// <summary>log2 of the largest page that all units know.</summary>
    public static int LargestPageShift(VtdUnit[] units)
    {
        int largest = PageSize.HugeShift;
        for (int i = 0; i < units.Length; i++)
            largest = Math.Min(largest, units[i].LargestPageShift);
        return largest;
    }

    /// <summary>
    /// Turns all units on. Every function reaches what <paramref name="guests"/> maps, and those of <paramref name="functions"/> can be changed later.
    /// <see cref="Status.Timeout"/>, <see cref="Status.OutOfMemory"/>, <see cref="Status.Unsupported"/>: all are off. Allocates: at boot only.
    /// </summary>
    public static Result<VtdRemapping> Start(VtdUnit[] units, PageTable guests, PageTable everything, PciFunctionTable functions, PageSource pages)
    {
        int levels = Levels(units);
        Result<HostPhysical> guestsRoot = levels == FourLevels ? guests.Root : guests.ThreeLevelRoot;
        Result<HostPhysical> everythingRoot = levels == FourLevels ? everything.Root : everything.ThreeLevelRoot;
        if (!guestsRoot.IsOk || !everythingRoot.IsOk)
            return Status.Unsupported;
        Result<VtdTables> tables = VtdTables.Build(pages, guestsRoot.Value, everythingRoot.Value, levels);
        if (!tables.IsOk)
            return tables.Status;
        byte* answers = pages.TakePage();
        var started = new RemappingUnit[units.Length];
        Status status = answers == null ? Status.OutOfMemory : Status.Ok;
        for (int i = 0; i < functions.Count && status == Status.Ok; i++)
            status = tables.Value.AddBus(pages, functions[i].Address.Bus);
        for (int i = 0; i < units.Length && status == Status.Ok; i++)
        {
            byte* queue = pages.TakePage();
            status = queue == null ? Status.OutOfMemory : units[i].Enable(tables.Value.Root, queue, (uint*)answers + i);
            started[i] = units[i];
            for (int on = 0; on < i && status != Status.Ok; on++)
                units[on].Disable();
        }
        return status == Status.Ok ? new VtdRemapping(started, tables.Value) : status;
    }

    /// <inheritdoc/>
    public override RemappingState Kind => RemappingState.Vtd;

    /// <inheritdoc/>
    protected override Status Change(PciAddress requester, DmaAccess access) => _tables.Set(requester, access);

    // The most levels that all units know; 0 if they have nothing in common.
    private static int Levels(VtdUnit[] units)
    {
        bool three = true, four = true;
        for (int i = 0; i < units.Length; i++)
        {
            three &= units[i].Has39Bits;
            four &= units[i].Has48Bits;
        }
        return four ? FourLevels : three ? FourLevels - 1 : 0;
    }

    private static int AddressBitsOf(int levels) => levels == FourLevels ? 48 : 39;
}
