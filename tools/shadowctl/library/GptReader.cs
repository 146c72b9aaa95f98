using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace Hv.ShadowControl;

/// <summary>Reads identifiers and names out of a GUID partition table (UEFI 5.3); the kernel has checked it and says which partitions there are.</summary>
public static class GptReader
{
    private const int HeaderBytes = 92;
    private const int NameBytes = 72;
    private const uint MinEntryBytes = 128, MaxEntryBytes = 4096, MaxEntries = 1024;

    private static ReadOnlySpan<byte> Signature => "EFI PART"u8;

    /// <summary>Identifier and name by number; empty if there is no table.</summary>
    public static IReadOnlyDictionary<int, (string Id, string Name)> Read(Stream disk, uint sectorBytes)
    {
        var partitions = new Dictionary<int, (string, string)>();
        byte[] header = new byte[HeaderBytes];
        disk.Position = sectorBytes;
        if (disk.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || !header.AsSpan(0, 8).SequenceEqual(Signature))
            return partitions;
        ulong first = BinaryPrimitives.ReadUInt64LittleEndian(header.AsSpan(72));
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(80)), bytes = BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(84));
        if (count > MaxEntries || bytes is < MinEntryBytes or > MaxEntryBytes || first > (ulong)long.MaxValue / sectorBytes)
            return partitions;
        byte[] entries = new byte[count * bytes];
        disk.Position = (long)(first * sectorBytes);
        if (disk.ReadAtLeast(entries, entries.Length, throwOnEndOfStream: false) < entries.Length)
            return partitions;
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.AsSpan((int)(i * bytes), (int)bytes);
            if (new Guid(entry[..16]) != Guid.Empty)
                partitions[i + 1] = (new Guid(entry.Slice(16, 16)).ToString(), Encoding.Unicode.GetString(entry.Slice(56, NameBytes)).Split('\0')[0]);
        }
        return partitions;
    }
}
