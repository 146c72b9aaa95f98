using System;
using System.IO;
using Hv.Imaging;
using Hv.Shadow.Journal;

namespace Hv.HostTests.Journal;

/// <summary>Disks with a partition table: one partition for a system, one for the journal.</summary>
internal static class JournalImage
{
    public const ulong SystemFirst = 40;

    /// <summary>The type GUID as people write it.</summary>
    public static readonly Guid Type = new("48764A72-6E6C-4D31-9C5E-0B7A53D1F2A6");

    public static readonly Guid DiskId = new("00112233-4455-6677-8899-aabbccddeeff");

    /// <summary>A disk of 512-byte sectors; the journal is right behind the system.</summary>
    public static byte[] Create(ulong systemSectors, ulong journalSectors, Guid? type = null)
    {
        ulong journalFirst = SystemFirst + systemSectors;
        using var stream = new MemoryStream(new byte[(journalFirst + journalSectors + GptTable.BackupSectors) * 512]);
        new GptTable(DiskId,
        [
            new GptPartition(new Guid("0FC63DAF-8483-4772-8E79-3D69D8477DE4"), Guid.NewGuid(), SystemFirst, journalFirst - 1, "system"),
            new GptPartition(type ?? Type, new Guid("12345678-9abc-def0-1234-56789abcdef0"), journalFirst, journalFirst + journalSectors - 1, "journal"),
        ]).Write(stream);
        return stream.ToArray();
    }

    /// <summary>A journal of a disk, not looked for yet.</summary>
    public static unsafe DiskJournal Journal(Hv.Drivers.Block.BlockDevice disk, ModelPool pool) => new(disk, pool, pool.TakePage());
}
