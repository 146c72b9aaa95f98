using System;

namespace Hv.ShadowControl;

/// <summary>A disk as a whole, by sectors.</summary>
public interface IDisk : IDisposable
{
    /// <summary>Bytes of a sector.</summary>
    int SectorSize { get; }

    /// <summary>How many sectors there are.</summary>
    ulong SectorCount { get; }

    /// <summary>Reads whole sectors.</summary>
    void Read(ulong sector, Span<byte> bytes);

    /// <summary>Writes whole sectors.</summary>
    void Write(ulong sector, ReadOnlySpan<byte> bytes);

    /// <summary>Makes what was written durable.</summary>
    void Flush();

    /// <summary>Tells the operating system of a partition that is new in the table. Its number starts at 1.</summary>
    void AnnouncePartition(int number, ulong firstSector, ulong sectorCount);
}
