using System;
using Hv.Boot.Acpi;
using Hv.Kernel;
using Hv.Kernel.Diagnostics;

namespace Hv.Boot.Uefi;

/// <summary>Gives the OS the ACPI table by which it finds its devices after a switch (<see cref="HotAddTable"/>). Guest side, before the boot snapshot.</summary>
internal static unsafe class HotAdd
{
    private const int MaxRootBridges = 8;

    /// <summary>Adds the table, if the firmware's own tables leave an event for it. Without it the OS needs its agent to find the devices.</summary>
    public static void Offer()
    {
        var root = (byte*)Firmware.ConfigurationTable(EfiGuid.Acpi20Table);
        var protocol = (AcpiTableProtocol*)Firmware.Locate(EfiGuid.AcpiTable);
        ReadOnlySpan<byte> fadt = AcpiTables.Find(root, AcpiTables.Fadt);
        int events = GeneralEventBlock.CountEvents(fadt);
        if (protocol == null || events == 0)
        {
            Log.Line("Hv: no ACPI events for devices that come back; events ", (ulong)events);
            return;
        }
        RootBridge* memory = stackalloc RootBridge[MaxRootBridges];
        var bridges = new Span<RootBridge>(memory, MaxRootBridges);
        bridges.Clear();
        EventSet used = default;
        int count = 0, tables = AcpiTables.Count(root);
        for (int i = -1; i < tables; i++)
        {
            ReadOnlySpan<byte> code = CodeOf(root, fadt, i);
            count = AcpiNamespace.FindRootBridges(code, bridges, count);
            AcpiNamespace.AddEvents(code, ref used);
        }
        bridges = bridges.Slice(0, count);
        for (int i = -1; i < tables && count != 0; i++)
            AcpiNamespace.MarkDescribed(CodeOf(root, fadt, i), bridges);
        int number = AcpiNamespace.FindFreeEvent(in used, events);
        if (count == 0 || number < 0)
        {
            Log.Line("Hv: no ACPI event for devices that come back; host bridges ", (ulong)count);
            return;
        }
        Install(protocol, bridges, (byte)number);
    }

    private static void Install(AcpiTableProtocol* protocol, ReadOnlySpan<RootBridge> bridges, byte number)
    {
        byte* table = stackalloc byte[HotAddTable.MaxBytes];
        int bytes = HotAddTable.Build(new Span<byte>(table, HotAddTable.MaxBytes), bridges, PciDevices.OnFirstBus(), number);
        ulong key = 0, status = bytes == 0 ? (ulong)Status.OutOfMemory : HypercallGate.Call(Hypercall.UseEvent, number);
        if (status == (ulong)Status.Ok)
            status = protocol->InstallAcpiTable(protocol, table, (ulong)bytes, &key);
        Log.Write("Hv: ACPI event ");
        Log.Decimal(number);
        Log.Line(" for devices that come back, status ", status);
    }

    // The DSDT is number -1. Empty: no AML.
    private static ReadOnlySpan<byte> CodeOf(byte* root, ReadOnlySpan<byte> fadt, int index)
    {
        ReadOnlySpan<byte> table = index < 0 ? FixedTables.FindDsdt(fadt) : AcpiTables.At(root, index);
        bool isCode = index < 0 || AcpiTables.SignatureOf(table) is AcpiTables.Ssdt or AcpiTables.Psdt;
        return isCode && table.Length > AcpiTables.HeaderBytes ? table.Slice(AcpiTables.HeaderBytes) : default;
    }
}
