using System;
using System.Buffers.Binary;

namespace Hv.Boot.Acpi;

/// <summary>The MADT (ACPI 6.5, 5.2.12): which processors the OS is told of, and how ISA interrupts are wired.</summary>
public static class ProcessorTable
{
    private const int FirstEntry = 44;
    private const byte LocalApic = 0, SourceOverride = 2, LocalX2Apic = 9;
    private const uint Enabled = 1 << 0, OnlineCapable = 1 << 1;
    private const int LocalApicBytes = 8, SourceOverrideBytes = 10, LocalX2ApicBytes = 16;

    /// <summary>The global system interrupt that an ISA interrupt is wired to (5.2.12.5): its own number unless the table says otherwise.</summary>
    public static byte GlobalInterrupt(ReadOnlySpan<byte> madt, byte isaInterrupt)
    {
        for (int i = FirstEntry; i + 2 <= madt.Length && madt[i + 1] >= 2 && i + madt[i + 1] <= madt.Length; i += madt[i + 1])
        {
            if (madt[i] != SourceOverride || madt[i + 1] < SourceOverrideBytes || madt[i + 2] != 0 || madt[i + 3] != isaInterrupt)
                continue;
            uint number = BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(i + 4));
            return number <= byte.MaxValue ? (byte)number : isaInterrupt;
        }
        return isaInterrupt;
    }

    /// <summary>
    /// Writes the APIC IDs of all usable processors to <paramref name="ids"/>, that of the bootstrap processor first and the others in the table's order; gives how many there
    /// are. Without a table that is the bootstrap processor alone; more than fit are left out.
    /// </summary>
    public static int List(ReadOnlySpan<byte> madt, uint bootApicId, Span<uint> ids)
    {
        ids[0] = bootApicId;
        int count = 1;
        for (int at = FirstEntry; TryNext(madt, ref at, out uint id, out int flags);)
        {
            bool isUsable = (BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(flags)) & Enabled) != 0;
            if (isUsable && count < ids.Length && !Contains(ids.Slice(0, count), id))
                ids[count++] = id;
        }
        return count;
    }

    /// <summary>
    /// Marks every processor that is not in <paramref name="used"/> as neither enabled nor to be enabled later, and mends the checksum. Returns how many were changed.
    /// </summary>
    public static int ParkOthers(Span<byte> madt, ReadOnlySpan<uint> used)
    {
        int changed = 0;
        for (int at = FirstEntry; TryNext(madt, ref at, out uint id, out int flags);)
        {
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(flags));
            if ((value & (Enabled | OnlineCapable)) == 0 || Contains(used, id))
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(madt.Slice(flags), value & ~(Enabled | OnlineCapable));
            changed++;
        }
        if (changed != 0)
            AcpiTables.MendChecksum(madt);
        return changed;
    }

    private static bool Contains(ReadOnlySpan<uint> ids, uint id)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i] == id)
                return true;
        }
        return false;
    }

    // The next processor's APIC ID and where its flags are.
    private static bool TryNext(ReadOnlySpan<byte> madt, ref int at, out uint id, out int flags)
    {
        id = 0;
        flags = 0;
        while (at + 2 <= madt.Length && madt[at + 1] >= 2 && at + madt[at + 1] <= madt.Length)
        {
            int entry = at;
            at += madt[entry + 1];
            if (madt[entry] == LocalApic && madt[entry + 1] >= LocalApicBytes)
            {
                id = madt[entry + 3];
                flags = entry + 4;
                return true;
            }
            if (madt[entry] == LocalX2Apic && madt[entry + 1] >= LocalX2ApicBytes)
            {
                id = BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(entry + 4));
                flags = entry + 8;
                return true;
            }
        }
        return false;
    }
}
