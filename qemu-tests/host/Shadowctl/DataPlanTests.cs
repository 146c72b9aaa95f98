using System;
using System.Buffers.Binary;
using System.Linq;
using Hv.Drivers.Control;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class DataPlanTests
{
    private const string HomeId = "0f3c9a1e-11de-4c56-9b07-6a2f1d2b8c33", PartitionId = "5ad0eb00-0000-4000-8000-000000000004";

    private readonly FakeStorage _storage = new([]);

    public DataPlanTests()
    {
        _storage.Disk.Add(new DiskPartition(1, "nvme0n1p1", "259:1", 1 << 20, 16 << 20, "", "EFI", "5ad0-eb01"));
        _storage.Disk.Add(new DiskPartition(2, "nvme0n1p2", "259:2", 17 << 20, 128 << 20, "", "root", "5ad0eb00-0000-4000-8000-000000000002"));
        _storage.Disk.Add(new DiskPartition(3, "nvme0n1p3", "259:3", 145 << 20, 64 << 20, "", "home", HomeId));
        _storage.Disk.Add(new DiskPartition(4, "nvme0n1p4", "259:4", (209 << 20) + 4096, 8192, PartitionId, "data", ""));
        _storage.Disk.Add(new DiskPartition(5, "nvme0n1p5", "259:5", (210 << 20) + 512, 1 << 20, "", "odd", "1111-2222"));
        _storage.Mounted.Add(new MountedFileSystem("0:1", "/", "/", "rootfs"));
        _storage.Mounted.Add(new MountedFileSystem("259:2", "/", "/", "ext4"));
        _storage.Mounted.Add(new MountedFileSystem("259:3", "/sub", "/home", "ext4"));
        _storage.Mounted.Add(new MountedFileSystem("8:1", "/", "/mnt/stick", "vfat"));
        _storage.Entries.Add(new FstabEntry("PARTUUID=" + PartitionId.ToUpperInvariant(), "/srv/data", "ext4", "noauto", 0));
        _storage.Entries.Add(new FstabEntry("UUID=" + HomeId, "/home", "ext4", "defaults", 2));
    }

    [Fact]
    public void By_default_all_is_system_and_home_and_root_are_carried()
    {
        DataPlan plan = Plan("");
        Assert.Empty(plan.Data);
        Assert.Equal([("/home", 3, "sub"), ("/root", 2, "root")], plan.Carried.Select(directory => (directory.Path, directory.Partition.Number, directory.PathInFileSystem)));
        byte[] table = plan.Table();
        Assert.True(DataTable.TryReadHeader(table, (uint)table.Length, out uint flags, out int ranges));
        Assert.Equal(DataTable.KeepLastView, flags);
        Assert.Equal(0, ranges);
    }

    [Theory]
    [InlineData("data = /srv/data", 4)]
    [InlineData("data = PARTUUID=" + PartitionId, 4)]
    [InlineData("data = /home", 3)]
    [InlineData("data = UUID=" + HomeId, 3)]
    public void A_partition_is_found_by_each_of_its_names(string line, int number)
    {
        DataPlan plan = Plan(line);
        Assert.Empty(plan.Errors);
        Assert.Equal(number, Assert.Single(plan.Data).Number);
        byte[] table = plan.Table();
        Assert.True(DataTable.TryReadHeader(table, (uint)table.Length, out _, out int ranges));
        Assert.Equal(1, ranges);
        DataTable.ReadRange(table.AsSpan(DataTable.BytesFor(0)), out ulong first, out ulong sectors);
        Assert.Equal(_storage.Disk[number - 1].Start, first * 512);
        Assert.Equal(_storage.Disk[number - 1].Bytes, sectors * 512);
    }

    [Fact]
    public void Sectors_are_the_disks_own()
    {
        _storage.SectorBytes = 4096;
        DataTable.ReadRange(Plan("data = /srv/data").Table().AsSpan(DataTable.BytesFor(0)), out ulong first, out ulong sectors);
        Assert.Equal((209ul << 8) + 1, first);
        Assert.Equal(2ul, sectors);
    }

    [Fact]
    public void What_is_data_is_not_carried()
    {
        Assert.Equal(["/root"], Plan("data = /home").Carried.Select(directory => directory.Path));
        byte[] table = Plan("data = /home\ncarry = /home").Table();
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(table));
    }

    [Fact]
    public void Entries_of_fstab_on_data_partitions_are_named() =>
        Assert.Equal(["/srv/data", "/home"], Plan($"data = /home\ndata = /srv/data").DataMounts().Select(entry => entry.MountPoint));

    [Theory]
    [InlineData("data = UUID=aaaa-bbbb", "No partition of the disk")]
    [InlineData("data = /nowhere", "Nothing is mounted on /nowhere")]
    [InlineData("data = UUID=1111-2222", "multiple of 4 KiB")]
    [InlineData("data = UUID=5ad0eb00-0000-4000-8000-000000000002", "the shadow boots from /")]
    [InlineData("system = /home\ndata = UUID=" + HomeId, "nvme0n1p3 is system by line 2")]
    public void What_does_not_go_with_the_machine_is_an_error_with_its_line(string text, string part)
    {
        ConfigurationError error = Assert.Single(Plan("\n" + text).Errors);
        Assert.Equal(text.Contains('\n', StringComparison.Ordinal) ? 3 : 2, error.Line);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        _storage.Configuration = "\n" + text;
        var problem = Assert.Throws<ControlException>(() => DataPlan.Load(_storage));
        Assert.Equal(ExitCode.Usage, problem.ExitCode);
        Assert.StartsWith($"/etc/shadowreboot.conf:{error.Line}: ", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Partitions_of_other_disks_are_left_alone()
    {
        DataPlan plan = Plan("data = /mnt/stick\ncarry = /mnt/stick/x");
        Assert.Empty(plan.Errors);
        Assert.Empty(plan.Data);
        Assert.Empty(plan.Carried);
        Assert.Equal(2, plan.Notes.Count);
    }

    [Fact]
    public void Elsewhere_than_under_Hv_only_the_text_is_checked()
    {
        _storage.HasDisk = false;
        Assert.Empty(Plan("data = UUID=aaaa-bbbb").Errors);
    }

    private DataPlan Plan(string text)
    {
        Configuration configuration = ConfigurationParser.Parse(text, out var errors);
        Assert.Empty(errors);
        return new DataPlan(configuration, _storage);
    }
}
