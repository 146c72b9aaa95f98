using Hv.Drivers.Block;
using Hv.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Hv.Bench;

/// <summary>A disk image as Hv's own block layer sees a disk, to run parts of Hv on it.</summary>
internal sealed unsafe class ImageDisk(string path) : BlockDevice(new HostTime()), IDisposable
{
    private const int Sector = 512;

    private readonly SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);

    /// <inheritdoc/>
    public override uint SectorSize => Sector;

    /// <inheritdoc/>
    public override ulong SectorCount => (ulong)RandomAccess.GetLength(file) / Sector;

    /// <inheritdoc/>
    public override uint MaxTransferSectors => 1024;

    /// <inheritdoc/>
    public override void Poll() { }

    /// <inheritdoc/>
    public override void AbortAll(Status status) { }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <inheritdoc/>
    protected override void Start(BlockRequest request)
    {
        long at = (long)request.FirstSector * Sector;
        foreach (BlockSegment segment in request.Segments)
        {
            Span<byte> memory = new((void*)segment.Address.Value, (int)segment.Bytes);
            if (request.Operation == BlockOperation.Read)
                RandomAccess.Read(file, memory, at);
            else
                RandomAccess.Write(file, memory, at);
            at += segment.Bytes;
        }
        if (request.Operation == BlockOperation.WriteZeroes)
            RandomAccess.Write(file, new byte[(int)request.SectorCount * Sector], at);
        request.Complete(Status.Ok);
    }

    private sealed class HostTime : Hv.Kernel.Time.TimeSource
    {
        public override ulong Nanoseconds => (ulong)Environment.TickCount64 * 1_000_000;
    }
}
