using System;
using System.Buffers.Binary;

namespace Hv.Boot.Acpi;

/// <summary>The MADT (ACPI 6.5, 5.2.12): which processors the OS is told of.</summary>
public static class ProcessorTable
{
    private const int FirstEntry = 44;
    private const byte LocalApic = 0, LocalX2Apic = 9;
    private const int LocalApicBytes = 8, LocalX2ApicBytes = 16;

    /// <summary>
    /// Marks every processor but the one with <paramref name="bootApicId"/> as neither enabled nor to be enabled later, and mends the
    /// checksum. Returns how many usable processors there were.
    /// </summary>
    public static int ParkOthers(Span<byte> madt, uint bootApicId)
    {
        int usable = 0;
        bool changed = false;
        for (int i = FirstEntry; i + 2 <= madt.Length && madt[i + 1] >= 2 && i + madt[i + 1] <= madt.Length; i += madt[i + 1])
        {
            uint id;
            int flags;
            if (madt[i] == LocalApic && madt[i + 1] >= LocalApicBytes)
            {
                id = madt[i + 3];
                flags = i + 4;
            }
            else if (madt[i] == LocalX2Apic && madt[i + 1] >= LocalX2ApicBytes)
            {
                id = BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(i + 4));
                flags = i + 8;
            }
            else
            {
                continue;
            }
            const uint enabledOrCapable = 3;
            uint value = BinaryPrimitives.ReadUInt32LittleEndian(madt.Slice(flags));
            if ((value & enabledOrCapable) == 0)
                continue;
            usable++;
            if (id == bootApicId)
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(madt.Slice(flags), value & ~enabledOrCapable);
            changed = true;
        }
        if (changed)
            AcpiTables.MendChecksum(madt);
        return usable;
    }
}
