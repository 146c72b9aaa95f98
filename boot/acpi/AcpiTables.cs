using System;
using System.Buffers.Binary;
using Hv.Kernel;

namespace Hv.Boot.Acpi;

/// <summary>Finds ACPI tables (ACPI 6.5, 5.2). The tables are the firmware's: lengths are checked before they are used.</summary>
public static unsafe class AcpiTables
{
    private const int RsdpXsdtAddress = 24, HeaderBytes = 36, LengthField = 4;
    private const uint LongestTable = 1024 * 1024;

    /// <summary>"MCFG", "FACP", "HPET", "APIC": signatures as they are read, little endian.</summary>
    public const uint Mcfg = 0x4746_434D, Fadt = 0x5043_4146, Hpet = 0x5445_5048, Madt = 0x4349_5041;

    /// <summary>The whole table with this signature, header included; empty if there is none.</summary>
    public static ReadOnlySpan<byte> Find(byte* rsdp, uint signature)
    {
        if (rsdp == null)
            return default;
        ReadOnlySpan<byte> xsdt = At(BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(rsdp + RsdpXsdtAddress, 8)));
        for (int i = HeaderBytes; i + 8 <= xsdt.Length; i += 8)
        {
            ReadOnlySpan<byte> table = At(BinaryPrimitives.ReadUInt64LittleEndian(xsdt.Slice(i)));
            if (table.Length >= HeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(table) == signature)
                return table;
        }
        return default;
    }

    /// <summary>The table at an address, by its own length; empty if there is none.</summary>
    internal static ReadOnlySpan<byte> At(ulong address)
    {
        if (address == 0)
            return default;
        byte* table = (byte*)address;
        uint length = *(uint*)(table + LengthField);
        return length < HeaderBytes || length > LongestTable ? default : new ReadOnlySpan<byte>(table, (int)length);
    }
}
