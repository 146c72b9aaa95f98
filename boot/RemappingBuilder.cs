using System;
using Hv.Boot.Acpi;
using Hv.Drivers.Control;
using Hv.Drivers.Iommu;
using Hv.Drivers.Iommu.AmdVi;
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
        ReadOnlySpan<byte> dmar = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Dmar), ivrs = AcpiTables.Find(parameters->AcpiRoot, AcpiTables.Ivrs);
        if (dmar.IsEmpty && ivrs.IsEmpty)
            return;
        var units = new RemappingUnits();
        Status status = dmar.IsEmpty ? IvrsTable.Read(ivrs, units) : DmarTable.Read(dmar, units);
        Hide(dmar);
        Hide(ivrs);
        if (status == Status.Ok)
            status = CheckRegions(machine, units);
        if (status == Status.Ok)
            status = dmar.IsEmpty ? UseAmdVi(machine, identity, units) : UseVtd(machine, identity, units);
        for (int i = 0; i < units.Count && status == Status.Ok; i++)
            Keep(machine, nested, units.Registers(i), units.RegisterBytes(i));
        machine.RemappingState = status switch
        {
            Status.Ok => machine.Quiescer.Remapping!.Kind,
            Status.InvalidState => RemappingState.Busy,
            _ => RemappingState.Unusable,
        };
        Report(machine, units, status);
    }

    private static void Hide(ReadOnlySpan<byte> table)
    {
        fixed (byte* bytes = table)
        {
            if (!table.IsEmpty)
                AcpiTables.Hide(new Span<byte>(bytes, table.Length));
        }
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

    private static Status UseVtd(HvMachine machine, IdentityMap identity, RemappingUnits found)
    {
        var units = new VtdUnit[found.Count];
        for (int i = 0; i < units.Length; i++)
        {
            RealMmio? registers = Reach(machine, found, i);
            if (registers == null)
                return Status.OutOfMemory;
            units[i] = new VtdUnit(registers, machine.Time, new RealCaches());
            if (!units[i].IsUsable)
                return Status.Unsupported;
            found.Extend(i, units[i].RegisterBytes);
            if (Reach(machine, found, i) == null)
                return Status.OutOfMemory;
        }
        Status status = VtdRemapping.Check(units, identity.End);
        if (status != Status.Ok)
            return status;
        int largest = VtdRemapping.LargestPageShift(units);
        var guests = new PageTable(NestedFormat.SecondLevel, machine.Pool, largest);
        var everything = new PageTable(NestedFormat.SecondLevel, machine.Pool, largest);
        status = Fill(identity, found, guests, everything);
        if (status != Status.Ok)
            return status;
        Result<VtdRemapping> remapping = VtdRemapping.Start(units, guests, everything, machine.Functions, machine.Pool);
        if (remapping.IsOk)
            machine.Quiescer.Remapping = remapping.Value;
        return remapping.Status;
    }

    private static Status UseAmdVi(HvMachine machine, IdentityMap identity, RemappingUnits found)
    {
        var units = new AmdViUnit[found.Count];
        for (int i = 0; i < units.Length; i++)
        {
            RealMmio? registers = Reach(machine, found, i);
            if (registers == null)
                return Status.OutOfMemory;
            units[i] = new AmdViUnit(registers, machine.Time, found.Flags(i));
        }
        Status status = AmdViRemapping.Check(units);
        if (status != Status.Ok)
            return status;
        var guests = new PageTable(NestedFormat.AmdVi, machine.Pool, hugePages: true);
        var everything = new PageTable(NestedFormat.AmdVi, machine.Pool, hugePages: true);
        status = Fill(identity, found, guests, everything);
        if (status != Status.Ok)
            return status;
        byte* deviceTable = machine.Pool.TakeRun(AmdViDeviceTable.Pages);
        if (deviceTable == null)
            return Status.OutOfMemory;
        Result<AmdViRemapping> remapping = AmdViRemapping.Start(units, guests, everything, deviceTable, machine.Pool);
        if (remapping.IsOk)
            machine.Quiescer.Remapping = remapping.Value;
        return remapping.Status;
    }

    private static Status Fill(IdentityMap identity, RemappingUnits found, PageTable guests, PageTable everything)
    {
        Status status = identity.MapAll(guests);
        for (int i = 0; i < found.Count && status == Status.Ok; i++)
            status = guests.Unmap(found.Registers(i), found.RegisterBytes(i));
        return status == Status.Ok ? everything.Map(0, new HostPhysical(0), identity.End, PageAccess.Write, MemoryType.WriteBack) : status;
    }

    // Memory and most registers are reachable anyway; registers above all memory are not.
    private static RealMmio? Reach(HvMachine machine, RemappingUnits found, int index) =>
        AddressSpace.MapDevice(machine.AddressSpaceTable, found.Registers(index), found.RegisterBytes(index)) == Status.Ok
            ? new RealMmio(new HostPhysical(found.Registers(index))) : null;

    private static void Keep(HvMachine machine, PageTable nested, ulong registers, ulong bytes)
    {
        Status status = machine.Own.Add(new HostPhysical(registers), bytes);
        if (status == Status.Ok)
            status = nested.Unmap(registers, bytes);
        Invariant.Holds(status == Status.Ok, "the remapping unit's registers are Hv's");
    }

    private static void Report(HvMachine machine, RemappingUnits units, Status status)
    {
        if (status != Status.Ok)
        {
            Log.Line(machine.RemappingState == RemappingState.Busy
                ? "Hv: the firmware uses DMA remapping; left alone, status " : "Hv: DMA remapping cannot be used, status ", (ulong)status);
            return;
        }
        Log.Line(machine.RemappingState == RemappingState.Vtd ? "Hv: DMA remapping by VT-d, units " : "Hv: DMA remapping by AMD-Vi, units ", (ulong)units.Count);
        for (int i = 0; i < machine.Own.Count; i++)
        {
            Log.Write("Hv: closed to devices from ");
            Log.Hex(machine.Own.Start(i));
            Log.Line(" to ", machine.Own.End(i));
        }
    }
}
