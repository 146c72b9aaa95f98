using System;
using System.Buffers.Binary;
using Hv.Drivers.Platform;

namespace Hv.Boot.Acpi;

/// <summary>The two tables that the FADT (ACPI 6.5, 5.2.9) names by address: FACS and DSDT. While booting, when the tables are still the firmware's.</summary>
public static unsafe class FixedTables
{
    private const int FacsField = 36, DsdtField = 40, LongFacsField = 132, LongDsdtField = 140;

    /// <summary>Host-physical address of the FACS; 0 if there is none that Hv can use.</summary>
    public static ulong FindFacs(ReadOnlySpan<byte> fadt)
    {
        ulong address = Address(fadt, FacsField, LongFacsField);
        return address != 0 && FirmwareControl.IsValid(new ReadOnlySpan<byte>((byte*)address, FirmwareControl.Bytes)) ? address : 0;
    }

    /// <summary>The DSDT, to be read and changed; empty if there is none.</summary>
    public static Span<byte> FindDsdt(ReadOnlySpan<byte> fadt)
    {
        ReadOnlySpan<byte> table = AcpiTables.At(Address(fadt, DsdtField, LongDsdtField));
        fixed (byte* start = table)
            return new Span<byte>(start, table.Length);
    }

    /// <summary>The long field where the table has it and it is not 0, else the short one.</summary>
    public static ulong Address(ReadOnlySpan<byte> fadt, int shortField, int longField)
    {
        ulong address = fadt.Length >= longField + sizeof(ulong) ? BinaryPrimitives.ReadUInt64LittleEndian(fadt.Slice(longField)) : 0;
        if (address == 0 && fadt.Length >= shortField + sizeof(uint))
            address = BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(shortField));
        return address;
    }
}
