using Hv.Drivers.Block;
using Hv.Kernel.Memory;
using Hv.Shadow.Blocks;
using Hv.Shadow.Journal;

namespace Hv.HostTests;

/// <summary>Snapshot disks without a journal.</summary>
internal static unsafe class NewSnapshotDisk
{
    public static SnapshotDisk Of(BlockDevice disk, PageSource pages) => new(disk, pages, new DiskJournal(disk, pages, null));
}
