using System;
using System.Buffers.Binary;
using Hv.Kernel;

namespace Hv.Boot.Acpi;

/// <summary>Finds ACPI tables (ACPI 6.5, 5.2). The tables are the firmware's: lengths are checked before they are used.</summary>
public static unsafe class AcpiTables
{
    /// <summary>Bytes of a table's header (5.2.6).</summary>
    public const int HeaderBytes = 36;

    private const int RsdpXsdtAddress = 24, LengthField = 4, ChecksumOffset = 9;
    private const uint LongestTable = 1024 * 1024;

    /// <summary>"MCFG", "FACP", "HPET", "APIC", "DMAR", "IVRS": signatures as they are read, little endian.</summary>
    public const uint Mcfg = 0x4746_434D, Fadt = 0x5043_4146, Hpet = 0x5445_5048, Madt = 0x4349_5041, Dmar = 0x5241_4D44, Ivrs = 0x5352_5649;

    /// <summary>"SSDT", "PSDT": tables of AML besides the DSDT.</summary>
    public const uint Ssdt = 0x5444_5353, Psdt = 0x5444_5350;

    /// <summary>The whole table with this signature, header included; empty if there is none.</summary>
    public static ReadOnlySpan<byte> Find(byte* rsdp, uint signature)
    {
        for (int i = 0; i < Count(rsdp); i++)
        {
            ReadOnlySpan<byte> table = At(rsdp, i);
            if (SignatureOf(table) == signature)
                return table;
        }
        return default;
    }

    /// <summary>How many tables the root table (XSDT; 5.2.8) lists.</summary>
    public static int Count(byte* rsdp) => Math.Max(RootTable(rsdp).Length - HeaderBytes, 0) / 8;

    /// <summary>The whole table number <paramref name="index"/> of those that the root table lists; empty if there is none, or its length is not to be believed.</summary>
    public static ReadOnlySpan<byte> At(byte* rsdp, int index)
    {
        ReadOnlySpan<byte> root = RootTable(rsdp);
        return (uint)index < (uint)Count(rsdp) ? At(BinaryPrimitives.ReadUInt64LittleEndian(root.Slice(HeaderBytes + 8 * index))) : default;
    }

    /// <summary>The signature of a table; 0 of none.</summary>
    public static uint SignatureOf(ReadOnlySpan<byte> table) => table.Length >= HeaderBytes ? BinaryPrimitives.ReadUInt32LittleEndian(table) : 0;

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

    private static ReadOnlySpan<byte> RootTable(byte* rsdp) =>
        rsdp == null ? default : At(BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(rsdp + RsdpXsdtAddress, 8)));

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
