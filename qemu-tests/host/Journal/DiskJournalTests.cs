using System;
using System.Buffers.Binary;
using System.IO;
using System.Linq;
using Hv.Drivers.Block;
using Hv.Imaging;
using Hv.Kernel;
using Hv.Shadow.Blocks;
using Hv.Shadow.Journal;
using System.IO.Hashing;
using Xunit;

namespace Hv.HostTests.Journal;

public sealed unsafe class DiskJournalTests : IDisposable
{
    private const ulong SystemSectors = 30 * 8, JournalSectors = 64 * 8, JournalFirst = JournalImage.SystemFirst + SystemSectors;
    private const int TableAt = 2 * 512, EntryBytes = 128;

    private readonly ModelPool _pool = new(300);
    private readonly BlockBuffer _buffer = new();
    private byte[] _image = JournalImage.Create(SystemSectors, JournalSectors);

    public void Dispose()
    {
        _pool.Dispose();
        _buffer.Dispose();
    }

    [Fact]
    public void A_partition_of_the_type_is_found_and_empty()
    {
        DiskJournal journal = Find(_image, out Status status);
        Assert.Equal(Status.Ok, status);
        Assert.Equal(JournalState.Idle, journal.State);
        Assert.Equal(JournalRecovery.Nothing, journal.Recovery);
        Assert.Equal(JournalFirst, journal.FirstSector);
        Assert.Equal(JournalFirst + JournalSectors, journal.EndSector);
        Assert.Equal(62u, journal.Capacity);
    }

    [Fact]
    public void The_type_is_the_one_that_people_write() => Assert.Equal(JournalImage.Type, new Guid(JournalPartition.Type));

    [Fact]
    public void Without_a_partition_there_is_no_journal()
    {
        DiskJournal journal = Find(JournalImage.Create(SystemSectors, JournalSectors, Guid.NewGuid()), out Status status);
        Assert.Equal(Status.NotFound, status);
        Assert.Equal(JournalState.Absent, journal.State);
        Assert.Equal(0u, journal.Capacity);
        Find(new byte[512 * 512], out status);
        Assert.Equal(Status.NotFound, status);
    }

    [Fact]
    public void A_partition_that_is_too_small_is_none()
    {
        Find(JournalImage.Create(SystemSectors, 15 * 8), out Status status);
        Assert.Equal(Status.InvalidArgument, status);
    }

    // Header fields (UEFI 5.3.2): own sector, first and last usable sector, place, number and size of the entries.
    [Theory]
    [InlineData(24, 2ul)]
    [InlineData(40, ulong.MaxValue)]
    [InlineData(48, 1ul << 40)]
    [InlineData(72, 0ul)]
    [InlineData(72, 1ul)]
    [InlineData(72, ulong.MaxValue)]
    [InlineData(80, 0x80_0000_0000ul)]
    [InlineData(80, 0x80_FFFF_FFFFul)]
    [InlineData(80, 0x1_0000_0080ul)]
    [InlineData(80, 0xFFFF_FF80_0000_0080ul)]
    public void A_table_whose_numbers_are_wrong_is_malformed(int offset, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_image.AsSpan(512 + offset), value);
        SealHeader();
        Assert.Equal(JournalState.Absent, Find(_image, out Status status).State);
        Assert.Equal(Status.Malformed, status);
    }

    [Fact]
    public void A_wrong_checksum_of_header_or_entries_is_malformed()
    {
        _image[512 + 60] ^= 1;
        Find(_image, out Status status);
        Assert.Equal(Status.Malformed, status);
        _image[512 + 60] ^= 1;
        _image[TableAt + 70] ^= 1;
        Find(_image, out status);
        Assert.Equal(Status.Malformed, status);
    }

    [Theory]
    [InlineData(32, 33ul)]
    [InlineData(32, ulong.MaxValue)]
    [InlineData(40, 1ul << 40)]
    [InlineData(40, 3ul)]
    [InlineData(32, JournalFirst - 1)]
    public void A_journal_that_is_not_on_the_disk_or_overlaps_a_partition_is_malformed(int offset, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_image.AsSpan(TableAt + EntryBytes + offset), value);
        BinaryPrimitives.WriteUInt32LittleEndian(_image.AsSpan(512 + 88), Crc32.HashToUInt32(_image.AsSpan(TableAt, 128 * EntryBytes)));
        SealHeader();
        Find(_image, out Status status);
        Assert.Equal(Status.Malformed, status);
    }

    [Fact]
    public void Random_damage_of_the_table_does_no_harm()
    {
        var random = new Random(5);
        for (int i = 0; i < 500; i++)
        {
            byte[] image = (byte[])_image.Clone();
            for (int j = random.Next(1, 9); j > 0; j--)
                image[512 + random.Next(3 * 512)] = (byte)random.Next(256);
            BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(512 + 88), Crc32.HashToUInt32(image.AsSpan(TableAt, 128 * EntryBytes)));
            _image = image;
            SealHeader();
            using var pool = new ModelPool(64);
            var disk = new ModelDisk((ulong)image.Length / 512);
            image.CopyTo(disk.Bytes, 0);
            DiskJournal journal = JournalImage.Journal(disk, pool);
            Status status = journal.Find();
            Assert.True(status is Status.Ok or Status.NotFound or Status.Malformed or Status.InvalidArgument);
            Assert.Equal(1, pool.Taken);
        }
    }

    [Fact]
    public void What_was_committed_is_replayed_once()
    {
        byte[] committed = Commit(out byte[] expected);
        ModelDisk disk = Open(committed);
        DiskJournal journal = JournalImage.Journal(disk, _pool);
        Assert.Equal(Status.Ok, journal.Find());
        Assert.Equal(JournalRecovery.Replayed, journal.Recovery);
        Assert.True(SystemOf(disk.Bytes).SequenceEqual(SystemOf(expected)));
        Assert.Equal(Status.Ok, journal.Find());
        Assert.Equal(JournalRecovery.Nothing, journal.Recovery);
    }

    // In blocks from the journal's start: the record, the index, the data of the first two chunks.
    [Theory]
    [InlineData(0, 20, JournalRecovery.Nothing)]
    [InlineData(0, 90, JournalRecovery.Nothing)]
    [InlineData(1, 9, JournalRecovery.Damaged)]
    [InlineData(1, 35, JournalRecovery.Damaged)]
    [InlineData(1, 4000, JournalRecovery.Damaged)]
    [InlineData(2, 5, JournalRecovery.Damaged)]
    [InlineData(3, 4095, JournalRecovery.Damaged)]
    public void A_damaged_journal_changes_nothing(int block, int offset, JournalRecovery recovery)
    {
        byte[] committed = Commit(out _);
        committed[(int)JournalFirst * 512 + block * 4096 + offset] ^= 0x40;
        ModelDisk disk = Open(committed);
        DiskJournal journal = JournalImage.Journal(disk, _pool);
        Assert.Equal(Status.Ok, journal.Find());
        Assert.Equal(recovery, journal.Recovery);
        Assert.True(SystemOf(disk.Bytes).SequenceEqual(SystemOf(committed)));
        Assert.Equal(JournalState.Idle, journal.State);
    }

    [Fact]
    public void The_journal_of_another_disk_is_not_replayed()
    {
        byte[] committed = Commit(out _);
        _image = committed;
        committed[512 + 56] ^= 1;
        SealHeader();
        ModelDisk disk = Open(committed);
        DiskJournal journal = JournalImage.Journal(disk, _pool);
        Assert.Equal(Status.Ok, journal.Find());
        Assert.Equal(JournalRecovery.Damaged, journal.Recovery);
        Assert.True(SystemOf(disk.Bytes).SequenceEqual(SystemOf(committed)));
    }

    [Fact]
    public void A_disk_that_fails_while_replaying_is_replayed_the_next_time()
    {
        ModelDisk disk = Open(Commit(out byte[] expected));
        disk.Fails = request => request.Operation == BlockOperation.Write && request.FirstSector < JournalFirst;
        DiskJournal journal = JournalImage.Journal(disk, _pool);
        Assert.Equal(Status.DeviceError, journal.Find());
        Assert.Equal(JournalRecovery.Failed, journal.Recovery);
        Assert.Equal(JournalState.Absent, journal.State);
        disk.Fails = null;
        Assert.Equal(Status.Ok, journal.Find());
        Assert.Equal(JournalRecovery.Replayed, journal.Recovery);
        Assert.True(SystemOf(disk.Bytes).SequenceEqual(SystemOf(expected)));
    }

    [Fact]
    public void A_failed_commit_leaves_the_old_system_and_can_be_discarded()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 24, 7);
        byte[] before = (byte[])disk.Bytes.Clone();
        disk.Fails = request => request.Operation == BlockOperation.Flush;
        Assert.Equal(Status.DeviceError, snapshot.Commit());
        Assert.Equal(SnapshotState.Active, snapshot.State);
        Assert.Equal(JournalState.Failed, snapshot.Journal.State);
        disk.Fails = null;
        Assert.Equal(Status.Ok, snapshot.Discard());
        Assert.True(SystemOf(disk.Bytes).SequenceEqual(SystemOf(before)));
        Assert.Equal(JournalRecovery.Nothing, Recover(disk));
    }

    [Fact]
    public void A_shadow_that_writes_more_than_fits_cannot_be_committed_but_merged()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk, journalSectors: 16 * 8);
        Assert.Equal(14u, snapshot.Journal.Capacity);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 15 * 8, 7);
        Assert.False(snapshot.FitsJournal);
        Assert.Equal(Status.InvalidState, snapshot.WriteAhead(100));
        Assert.Equal(JournalState.TooSmall, snapshot.Journal.State);
        Assert.Equal(Status.InvalidState, snapshot.Commit());
        Assert.Equal(Status.Ok, snapshot.BeginMerge());
        Assert.Equal(Status.Ok, snapshot.MergeStep(100));
        Assert.Equal(JournalState.Idle, snapshot.Journal.State);
        Assert.Equal(7, disk.Bytes[(int)JournalImage.SystemFirst * 512]);
    }

    [Fact]
    public void A_chunk_that_changes_is_written_anew_and_others_are_not()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 24, 7);
        Assert.Equal(3u, snapshot.UnjournaledChunks);
        Assert.Equal(Status.Ok, snapshot.WriteAhead(100));
        Assert.Equal(3u, snapshot.JournaledChunks);
        Write(snapshot.ShadowView, JournalImage.SystemFirst + 8, 1, 8);
        Assert.Equal(1u, snapshot.UnjournaledChunks);
        disk.Log.Clear();
        Assert.Equal(Status.Ok, snapshot.WriteAhead(100));
        Assert.Equal(8ul, Assert.Single(disk.Log).Count);
        Assert.False(snapshot.NeedsWriteAhead);
        Assert.Equal(3u, snapshot.Journal.Entries);
    }

    [Fact]
    public void Before_the_commit_only_the_journal_is_written()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 24, 7);
        disk.Log.Clear();
        Assert.Equal(Status.Ok, snapshot.WriteAhead(2));
        Assert.Equal(Status.Ok, snapshot.Commit());
        Assert.All(disk.Log.Where(entry => entry.Operation != BlockOperation.Flush), entry => Assert.InRange(entry.First, JournalFirst, JournalFirst + JournalSectors - 1));
        Assert.Equal([BlockOperation.Flush, BlockOperation.Write, BlockOperation.Flush], disk.Log.TakeLast(3).Select(entry => entry.Operation));
    }

    [Fact]
    public void Spilled_chunks_take_no_page_and_are_read_from_the_journal()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 24, 7);
        Write(snapshot.PrimaryView, JournalImage.SystemFirst + 40, 8, 9);
        Assert.Equal(0u, snapshot.Spill(100));
        Assert.Equal(Status.Ok, snapshot.WriteAhead(100));
        ulong free = _pool.FreePages;
        Assert.Equal(4u, snapshot.Spill(100));
        Assert.Equal(free + 4, _pool.FreePages);
        Prepare(BlockOperation.Read, JournalImage.SystemFirst + 20, 24);
        Assert.Equal(Status.Ok, snapshot.ShadowView.Execute(_buffer.Request));
        Assert.Equal([.. Enumerable.Repeat((byte)7, 4 * 512), .. new byte[20 * 512]], _buffer.Read());
        Write(snapshot.ShadowView, JournalImage.SystemFirst + 3, 2, 8);
        Assert.Equal(3u, snapshot.SpilledChunks);
        Assert.Equal(Status.Ok, snapshot.Commit());
        Assert.Equal(Status.Ok, snapshot.MergeStep(100));
        byte[] expected = [.. Enumerable.Repeat((byte)7, 3 * 512), .. Enumerable.Repeat((byte)8, 2 * 512), .. Enumerable.Repeat((byte)7, 19 * 512), .. new byte[24 * 512]];
        Assert.Equal(expected, SystemOf(disk.Bytes)[..(48 * 512)].ToArray());
        Assert.Equal(0u, snapshot.SpilledChunks);
        Assert.Equal(1, _pool.Taken);
    }

    [Theory]
    [InlineData(BlockOperation.Write)]
    [InlineData(BlockOperation.WriteZeroes)]
    [InlineData(BlockOperation.Discard)]
    public void Guests_can_read_the_journal_but_not_change_it(BlockOperation operation)
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        byte[] before = (byte[])disk.Bytes.Clone();
        foreach (BlockDevice view in new[] { snapshot.PrimaryView, snapshot.ShadowView })
        {
            Prepare(operation, JournalFirst + JournalSectors - 1, 2);
            Assert.Equal(Status.DeviceError, view.Execute(_buffer.Request));
            Prepare(operation, JournalFirst - 1, 2);
            Assert.Equal(Status.DeviceError, view.Execute(_buffer.Request));
            Prepare(BlockOperation.Read, JournalFirst, 2);
            Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
        }
        Assert.Equal(before, disk.Bytes);
    }

    [Fact]
    public void A_flush_after_the_switch_waits_until_everything_is_in_its_place()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 24, 7);
        Assert.Equal(Status.Ok, snapshot.Commit());
        Prepare(BlockOperation.Write, JournalImage.SystemFirst, 1);
        _buffer.Request.ForceUnitAccess = true;
        snapshot.PrimaryView.Submit(_buffer.Request);
        var flush = new BlockRequest(0);
        flush.Prepare(BlockOperation.Flush, 0, 0);
        snapshot.PrimaryView.Submit(flush);
        Assert.True(snapshot.HasPromises);
        Assert.Equal(Status.Pending, snapshot.MergeStep(1));
        Assert.False(flush.IsDone || _buffer.Request.IsDone);
        Assert.Equal(Status.Ok, snapshot.MergeStep(100));
        Assert.Equal(Status.Ok, flush.Status);
        Assert.Equal(Status.Ok, _buffer.Request.Status);
        Assert.Equal(BlockOperation.Flush, disk.Log[^1].Operation);
        Assert.Equal(JournalRecovery.Nothing, Recover(disk));
    }

    [Fact]
    public void A_request_that_comes_while_the_merge_ends_is_carried_out()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 24, 7);
        Assert.Equal(Status.Ok, snapshot.Commit());
        using var late = new BlockBuffer();
        late.Prepare(new Random(1), BlockOperation.Write, JournalImage.SystemFirst + 4, 1, 512);
        bool submitted = false;
        // As a guest's command that a completion within the merge brings on.
        disk.Fails = request =>
        {
            if (request.Operation == BlockOperation.Flush && !submitted)
            {
                submitted = true;
                snapshot.PrimaryView.Submit(late.Request);
            }
            return false;
        };
        Assert.Equal(Status.Ok, snapshot.MergeStep(100));
        Assert.True(submitted);
        Assert.Equal(Status.Ok, late.Request.Status);
    }

    [Fact]
    public void Scratch_never_comes_to_the_journal()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        snapshot.Discard();
        Assert.Equal(Status.Ok, snapshot.DataRanges.Add(JournalImage.SystemFirst, 80));
        Assert.Equal(Status.Ok, snapshot.TakeSnapshot());
        snapshot.HasScratch = true;
        byte[] before = disk.Bytes[((int)JournalImage.SystemFirst * 512)..(((int)JournalImage.SystemFirst + 80) * 512)];
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 88, 7);
        Prepare(BlockOperation.WriteZeroes, JournalImage.SystemFirst + 8, 16);
        Assert.Equal(Status.Ok, snapshot.ShadowView.Execute(_buffer.Request));
        Assert.Equal((8ul, 1ul), (snapshot.ScratchChunks, snapshot.UnjournaledChunks));
        Assert.Equal(Status.Ok, snapshot.WriteAhead(100));
        Assert.Equal((1ul, 0ul, 1u), (snapshot.JournaledChunks, snapshot.UnjournaledChunks, snapshot.Spill(100)));
        Assert.Equal(Status.Ok, snapshot.Commit());
        Assert.Equal((0ul, 1ul), (snapshot.ScratchChunks, snapshot.OverlayChunks));
        // As after a power loss: what the journal says, and nothing of the scratch.
        byte[] committed = (byte[])disk.Bytes.Clone();
        ModelDisk again = Open(committed);
        Assert.Equal(JournalRecovery.Replayed, Recover(again));
        Assert.Equal(before, again.Bytes[((int)JournalImage.SystemFirst * 512)..(((int)JournalImage.SystemFirst + 80) * 512)]);
        Assert.Equal(7, again.Bytes[((int)JournalImage.SystemFirst + 80) * 512]);
    }

    [Fact]
    public void The_merge_gives_the_last_view_up_rather_than_wait_for_memory()
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst, 32, 7);
        Assert.Equal(Status.Ok, snapshot.WriteAhead(100));
        Assert.Equal(4u, snapshot.Spill(100));
        Assert.Equal(Status.Ok, snapshot.Kept.Keep(ulong.MaxValue));
        Assert.Equal(Status.Ok, snapshot.Commit());
        Write(snapshot.PrimaryView, JournalImage.SystemFirst + 64, 8, 8);
        Assert.Equal(1ul, snapshot.Kept.KeptChunks);
        while (_pool.TakePage() != null)
        {
        }
        Assert.Equal(Status.Ok, snapshot.MergeStep(100));
        Assert.Equal(KeptState.Lost, snapshot.Kept.State);
        Assert.Equal(7, disk.Bytes[((int)JournalImage.SystemFirst + 31) * 512]);
    }

    private DiskJournal Find(byte[] image, out Status status)
    {
        DiskJournal journal = JournalImage.Journal(Open(image), _pool);
        status = journal.Find();
        return journal;
    }

    private SnapshotDisk Snapshot(out ModelDisk disk, ulong journalSectors = JournalSectors)
    {
        disk = Open(JournalImage.Create(SystemSectors, journalSectors));
        DiskJournal journal = JournalImage.Journal(disk, _pool);
        Assert.Equal(Status.Ok, journal.Find());
        var snapshot = new SnapshotDisk(disk, _pool, journal);
        Assert.Equal(Status.Ok, snapshot.TakeSnapshot());
        return snapshot;
    }

    /// <summary>A disk with a committed switch that is not merged, and what it has to become.</summary>
    private byte[] Commit(out byte[] expected)
    {
        SnapshotDisk snapshot = Snapshot(out ModelDisk disk);
        Write(snapshot.ShadowView, JournalImage.SystemFirst + 4, 20, 7);
        Write(snapshot.PrimaryView, JournalImage.SystemFirst + 100, 3, 9);
        Prepare(BlockOperation.WriteZeroes, JournalImage.SystemFirst + 48, 32);
        Assert.Equal(Status.Ok, snapshot.ShadowView.Execute(_buffer.Request));
        Assert.Equal(Status.Ok, snapshot.Commit());
        byte[] committed = (byte[])disk.Bytes.Clone();
        while (snapshot.MergeStep(3) == Status.Pending)
        {
        }
        expected = disk.Bytes;
        Assert.False(SystemOf(expected).SequenceEqual(SystemOf(committed)));
        return committed;
    }

    private static JournalRecovery Recover(ModelDisk disk)
    {
        using var pool = new ModelPool(64);
        DiskJournal journal = JournalImage.Journal(disk, pool);
        Assert.Equal(Status.Ok, journal.Find());
        return journal.Recovery;
    }

    private void Write(BlockDevice view, ulong first, uint sectors, byte value)
    {
        Prepare(BlockOperation.Write, first, sectors);
        byte[] data = new byte[sectors * 512];
        Array.Fill(data, value);
        _buffer.Write(data);
        Assert.Equal(Status.Ok, view.Execute(_buffer.Request));
    }

    private void Prepare(BlockOperation operation, ulong first, uint sectors)
    {
        if (operation is BlockOperation.Read or BlockOperation.Write)
            _buffer.Prepare(new Random(3), operation, first, sectors, 512);
        else
            _buffer.Request.Prepare(operation, first, sectors);
    }

    private static ModelDisk Open(byte[] image)
    {
        var disk = new ModelDisk((ulong)image.Length / 512);
        image.CopyTo(disk.Bytes, 0);
        return disk;
    }

    private static ReadOnlySpan<byte> SystemOf(byte[] image) => image.AsSpan((int)JournalImage.SystemFirst * 512, (int)SystemSectors * 512);

    private void SealHeader()
    {
        Span<byte> header = _image.AsSpan(512, 92);
        header.Slice(16, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], Crc32.HashToUInt32(header));
    }
}
