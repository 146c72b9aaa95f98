using System;
using Hv.Boot.Acpi;
using Hv.Drivers.Control;
using Hv.Drivers.Iommu;
using Hv.Drivers.Iommu.Vtd;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Io;
using Hv.Kernel.Memory;
using Hv.Shadow.Machine;

namespace Hv.Boot;

/// <summary>Takes the machine's DMA remapping units, if the firmware has left them alone, and hides them from the OS. While booting, on the boot processor.</summary>
internal static unsafe class RemappingBuilder
{
    /// <summary>
    /// All devices reach all memory but Hv's from then on. Whatever comes of it, the OS is not told of the units: a switch would leave them
    /// with the old system's tables.
    /// </summary>
    public static void Build(BootParameters* parameters, HvMachine machine, IdentityMap identity, PageTable nested)
    {
        ReadOnlySpan<byte> table = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Dmar);
        if (table.IsEmpty)
            return;
        var units = new RemappingUnits();
        Status status = DmarTable.Read(table, units);
        fixed (byte* bytes = table)
            AcpiTables.Hide(new Span<byte>(bytes, table.Length));
        if (status == Status.Ok)
            status = CheckRegions(machine, units);
        if (status == Status.Ok)
            status = UseVtd(machine, identity, nested, units);
        if (status != Status.Ok)
            machine.RemappingState = status == Status.InvalidState ? RemappingState.Busy : RemappingState.Unusable;
        Report(machine, units, status);
    }

    // Memory that a device must reach is the firmware's, so it is not Hv's; a table that says otherwise is wrong.
    private static Status CheckRegions(HvMachine machine, RemappingUnits units)
    {
        for (int i = 0; i < units.Regions; i++)
        {
            if (machine.Own.Overlaps(units.RegionStart(i), units.RegionEnd(i) - units.RegionStart(i)))
                return Status.Malformed;
        }
        return Status.Ok;
    }

    private static Status UseVtd(HvMachine machine, IdentityMap identity, PageTable nested, RemappingUnits found)
    {
        var units = new VtdUnit[found.Count];
        for (int i = 0; i < units.Length; i++)
        {
            RealMmio? registers = Reach(machine, found.Registers(i), found.RegisterBytes(i));
            if (registers == null)
                return Status.OutOfMemory;
            units[i] = new VtdUnit(registers, machine.Time, new RealCaches());
        }
        Status status = VtdRemapping.Check(units, identity.End);
        if (status != Status.Ok)
            return status;
        int largest = VtdRemapping.LargestPageShift(units);
        var guests = new PageTable(NestedFormat.SecondLevel, machine.Pool, largest);
        var everything = new PageTable(NestedFormat.SecondLevel, machine.Pool, largest);
        status = identity.MapAll(guests);
        for (int i = 0; i < units.Length && status == Status.Ok; i++)
            status = guests.Unmap(found.Registers(i), RegisterBytes(found, units, i));
        if (status == Status.Ok)
            status = everything.Map(0, new HostPhysical(0), identity.End, PageAccess.Write, MemoryType.WriteBack);
        if (status != Status.Ok)
            return status;
        Result<VtdRemapping> remapping = VtdRemapping.Start(units, guests, everything, machine.Functions, machine.Pool);
        if (!remapping.IsOk)
            return remapping.Status;
        for (int i = 0; i < units.Length; i++)
            Keep(machine, nested, found.Registers(i), RegisterBytes(found, units, i));
        machine.Quiescer.Remapping = remapping.Value;
        machine.RemappingState = RemappingState.Vtd;
        return Status.Ok;
    }

    private static ulong RegisterBytes(RemappingUnits found, VtdUnit[] units, int index) => Math.Max(found.RegisterBytes(index), units[index].RegisterBytes);

    // Memory and most registers are reachable anyway; registers above all memory are not.
    private static RealMmio? Reach(HvMachine machine, ulong address, ulong bytes) =>
        AddressSpace.MapDevice(machine.AddressSpaceTable, address, bytes) == Status.Ok ? new RealMmio(new HostPhysical(address)) : null;

    private static void Keep(HvMachine machine, PageTable nested, ulong registers, ulong bytes)
    {
        Status status = machine.Own.Add(new HostPhysical(registers), bytes);
        if (status == Status.Ok)
            status = nested.Unmap(registers, bytes);
        Invariant.Holds(status == Status.Ok, "the remapping unit's registers are Hv's");
    }

    private static void Report(HvMachine machine, RemappingUnits units, Status status)
    {
        switch (machine.RemappingState)
        {
            case RemappingState.Vtd:
                Log.Line("Hv: DMA remapping by VT-d; units ", (ulong)units.Count);
                break;
            case RemappingState.Busy:
                Log.Line("Hv: DMA remapping is in use by the firmware and left alone");
                return;
            default:
                Log.Line("Hv: DMA remapping cannot be used, status ", (ulong)status);
                return;
        }
        Log.Write("Hv: closed to devices from ");
        Log.Hex(machine.Own.Start(0));
        Log.Write(" to ");
        Log.Hex(machine.Own.End(0));
        Log.Line(" and the pool");
    }
}
