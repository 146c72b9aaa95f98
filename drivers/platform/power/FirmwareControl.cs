using System;
using System.Buffers.Binary;

namespace Hv.Drivers.Platform;

/// <summary>
/// The Firmware ACPI Control Structure (ACPI 6.5, 5.2.10): where the firmware goes on after S3. The OS and the firmware write to it, so everything is
/// checked at each use.
/// </summary>
public static class FirmwareControl
{
    /// <summary>Bytes of it that Hv uses: all versions have them.</summary>
    public const int Bytes = 64;

    private const uint Signature = 0x5343_4146; // "FACS"
    private const int LengthOffset = 4, WakingVectorOffset = 12, ExtendedVectorOffset = 24;

    /// <summary>Whether <paramref name="structure"/> (of <see cref="Bytes"/> bytes) is one.</summary>
    public static bool IsValid(ReadOnlySpan<byte> structure)
    {
        if (structure.Length < Bytes || BinaryPrimitives.ReadUInt32LittleEndian(structure) != Signature)
            return false;
        return BinaryPrimitives.ReadUInt32LittleEndian(structure.Slice(LengthOffset)) >= Bytes;
    }

    /// <summary>The OS's real-mode entry point, guest-physical; 0 if there is none.</summary>
    public static uint WakingVector(ReadOnlySpan<byte> structure) => BinaryPrimitives.ReadUInt32LittleEndian(structure.Slice(WakingVectorOffset));

    /// <summary>The OS's entry point in protected mode, which counts if it is not 0 and the structure has it.</summary>
    public static ulong ExtendedVector(ReadOnlySpan<byte> structure) =>
        BinaryPrimitives.ReadUInt64LittleEndian(structure.Slice(ExtendedVectorOffset));

    /// <summary>Sets both entry points.</summary>
    public static void SetVectors(Span<byte> structure, uint waking, ulong extended)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(structure.Slice(WakingVectorOffset), waking);
        BinaryPrimitives.WriteUInt64LittleEndian(structure.Slice(ExtendedVectorOffset), extended);
    }
}
