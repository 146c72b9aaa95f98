using System;
using System.Buffers.Binary;
using Hv.Kernel;

namespace Hv.Boot.Acpi;

/// <summary>Finds ACPI tables (ACPI 6.5, 5.2). The tables are the firmware's: lengths are checked before they are used.</summary>
public static unsafe class AcpiTables
{
    private const int RsdpXsdtAddress = 24, HeaderBytes = 36, LengthField = 4, ChecksumOffset = 9;
    private const uint LongestTable = 1024 * 1024;

    /// <summary>"MCFG", "FACP", "HPET", "APIC", "DMAR", "IVRS": signatures as they are read, little endian.</summary>
    public const uint Mcfg = 0x4746_434D, Fadt = 0x5043_4146, Hpet = 0x5445_5048, Madt = 0x4349_5041, Dmar = 0x5241_4D44, Ivrs = 0x5352_5649;

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

    /// <summary>
    /// Gives a table a signature that nobody looks for: its first letter becomes X. Whoever still knows where the table is finds it whole.
    /// </summary>
    public static void Hide(Span<byte> table)
    {
        table[0] = (byte)'X';
        MendChecksum(table);
    }

    /// <summary>Makes the bytes of a table add up to zero (5.2.6).</summary>
    public static void MendChecksum(Span<byte> table)
    {
        table[ChecksumOffset] = 0;
        byte sum = 0;
        for (int i = 0; i < table.Length; i++)
            sum += table[i];
        table[ChecksumOffset] = (byte)-sum;
    }

    private static ReadOnlySpan<byte> At(ulong address)
    {
        if (address == 0)
            return default;
        byte* table = (byte*)address;
        uint length = *(uint*)(table + LengthField);
        return length < HeaderBytes || length > LongestTable ? default : new ReadOnlySpan<byte>(table, (int)length);
    }
}
