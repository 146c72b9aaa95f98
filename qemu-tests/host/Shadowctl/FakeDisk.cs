using System;
using System.Collections.Generic;
using Hv.ShadowControl;

namespace Hv.HostTests.Shadowctl;

/// <summary>A disk in an array.</summary>
internal sealed class FakeDisk(byte[] bytes, List<string> calls, int sectorSize = 512) : IDisk
{
    public int SectorSize => sectorSize;

    public ulong SectorCount => (ulong)(bytes.Length / sectorSize);

    public void Read(ulong sector, Span<byte> data) => bytes.AsSpan((int)sector * sectorSize, data.Length).CopyTo(data);

    public void Write(ulong sector, ReadOnlySpan<byte> data)
    {
        calls.Add($"write {sector}");
        data.CopyTo(bytes.AsSpan((int)sector * sectorSize));
    }

    public void Flush() => calls.Add("flush");

    public void AnnouncePartition(int number, ulong firstSector, ulong sectorCount) => calls.Add($"announce {number} {firstSector} {sectorCount}");

    public void Dispose()
    {
    }
}
