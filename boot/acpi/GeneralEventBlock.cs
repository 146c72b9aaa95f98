using System;
using System.Buffers.Binary;

namespace Hv.Boot.Acpi;

/// <summary>What a FADT (ACPI 6.5, 5.2.9) says of general purpose event block 0.</summary>
public static class GeneralEventBlock
{
    private const int Block = 80, BlockLength = 92, Flags = 112, ExtendedBlock = 220, AddressField = 4, GenericAddressBytes = 12;
    private const uint HardwareReduced = 1 << 20;
    private const byte SystemIo = 1;

    /// <summary>How many events it has; 0 if there is none at I/O ports, or the two descriptions of its place differ.</summary>
    public static int CountEvents(ReadOnlySpan<byte> fadt)
    {
        if (fadt.Length < Flags + 4 || (BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(Flags)) & HardwareReduced) != 0)
            return 0;
        uint port = BinaryPrimitives.ReadUInt32LittleEndian(fadt.Slice(Block));
        if (port is 0 or > ushort.MaxValue)
            return 0;
        if (fadt.Length >= ExtendedBlock + GenericAddressBytes)
        {
            ulong address = BinaryPrimitives.ReadUInt64LittleEndian(fadt.Slice(ExtendedBlock + AddressField));
            if (address != 0 && (address != port || fadt[ExtendedBlock] != SystemIo))
                return 0;
        }
        return Math.Min(fadt[BlockLength] / 2, 16) * 8;
    }
}
