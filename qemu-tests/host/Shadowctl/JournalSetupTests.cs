using System;
using System.IO;
using System.Linq;
using Hv.Drivers.Block;
using Hv.HostTests.Journal;
using Hv.Imaging;
using Hv.Shadow.Journal;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class JournalSetupTests
{
    private const ulong SectorsPerMebibyte = 2048;
    private static readonly Guid Linux = new("0FC63DAF-8483-4772-8E79-3D69D8477DE4");

    private readonly FakeSystem _system = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public void The_partition_is_made_at_the_end_of_the_disk_and_Hv_finds_it()
    {
        byte[] disk = Create(64, (1, 10), (11, 20));
        GptTable before = GptTable.Read(new MemoryStream(disk));
        Assert.Equal(ExitCode.Success, Setup(disk, "--size", "16"));
        GptTable after = GptTable.Read(new MemoryStream(disk));
        Assert.Equal(before.Partitions, after.Partitions.Take(2));
        Assert.Equal(before.DiskId, after.DiskId);
        GptPartition made = after.Partitions[2];
        Assert.Equal(JournalSetup.Type, made.Type);
        Assert.Equal(47 * SectorsPerMebibyte, made.FirstSector);
        Assert.Equal(16 * SectorsPerMebibyte, made.SectorCount);
        Assert.Equal(["flush", "flush", $"announce 3 {made.FirstSector} {made.SectorCount}", "find journal", "close"],
            _system.Calls.Where(call => !call.StartsWith("write", StringComparison.Ordinal)));

        var model = new ModelDisk((ulong)disk.Length / 512);
        disk.CopyTo(model.Bytes, 0);
        using var pool = new ModelPool(64);
        DiskJournal journal = JournalImage.Journal(model, pool);
        Assert.Equal(Kernel.Status.Ok, journal.Find());
        Assert.Equal(made.FirstSector, journal.FirstSector);
    }

    [Fact]
    public void Space_between_partitions_is_used_if_the_end_is_taken()
    {
        byte[] disk = Create(64, (1, 10), (30, 33));
        Assert.Equal(ExitCode.Success, Setup(disk, "--size", "18"));
        Assert.Equal(12 * SectorsPerMebibyte, GptTable.Read(new MemoryStream(disk)).Partitions[2].FirstSector);
    }

    [Fact]
    public void Without_room_nothing_is_changed_and_the_reason_is_said()
    {
        byte[] disk = Create(64, (1, 10), (20, 42));
        byte[] before = (byte[])disk.Clone();
        Assert.Equal(ExitCode.Failed, Setup(disk, "--size", "16"));
        Assert.Equal(before, disk);
        Assert.Contains("no 16 MiB in a row", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_journal_that_is_there_is_kept()
    {
        byte[] disk = Create(64, (1, 10));
        Assert.Equal(ExitCode.Success, Setup(disk, "--size", "16"));
        byte[] before = (byte[])disk.Clone();
        _system.Calls.Clear();
        Assert.Equal(ExitCode.Success, Setup(disk, "--size", "16"));
        Assert.Equal(before, disk);
        Assert.Equal(["find journal", "close"], _system.Calls);
    }

    // Sectors of the primary header and entries, then of the backup's.
    [Theory]
    [InlineData(512 + 60)]
    [InlineData(2 * 512 + 33)]
    [InlineData(-512 + 60)]
    [InlineData(-33 * 512 + 33)]
    public void A_damaged_table_is_left_alone(int offset)
    {
        byte[] disk = Create(64, (1, 10));
        disk[offset < 0 ? disk.Length + offset : offset] ^= 1;
        byte[] before = (byte[])disk.Clone();
        Assert.Equal(ExitCode.Failed, Setup(disk));
        Assert.Equal(before, disk);
        Assert.Contains("damaged", _error.ToString(), StringComparison.Ordinal);
    }

    private int Setup(byte[] disk, params string[] arguments)
    {
        _system.Disk = new FakeDisk(disk, _system.Calls);
        return new CommandLine(_system, _output, _error).Run(["setup", .. arguments]);
    }

    private static byte[] Create(int mebibytes, params (int Start, int Size)[] partitions)
    {
        byte[] disk = new byte[mebibytes << 20];
        new GptTable(Guid.NewGuid(), [.. partitions.Select((p, i) => new GptPartition(Linux, Guid.NewGuid(), (ulong)p.Start * SectorsPerMebibyte,
            (ulong)(p.Start + p.Size) * SectorsPerMebibyte - 1, "part " + i))]).Write(new MemoryStream(disk));
        return disk;
    }
}
