using System;
using System.Collections.Generic;
using Hv.Drivers.Block;
using Hv.HostTests.Journal;
using Hv.Kernel;
using Hv.Shadow.Blocks;
using Hv.Shadow.Journal;
using Xunit;

namespace Hv.HostTests;

/// <summary>The block layer against a model that could not be simpler: one array for each VM, and one for what is kept.</summary>
public sealed class SnapshotModelTests
{
    [Theory]
    [InlineData(512, false, 1, 1200, false)]
    [InlineData(512, true, 2, 1200, false)]
    [InlineData(4096, false, 3, 600, false)]
    [InlineData(4096, true, 4, 600, false)]
    [InlineData(512, false, 5, 900, true)]
    [InlineData(512, true, 6, 900, true)]
    public void Each_VM_sees_its_own_writes_the_winner_gets_the_disk_and_data_ranges_are_the_primarys(uint sectorSize, bool later, int seed, int runs, bool journal)
    {
        using var pool = new ModelPool(900);
        using var buffers = new Buffers();
        int commits = 0;
        for (int run = 0; run < runs; run++)
        {
            var story = new Story(new Random(seed * 100_000 + run), pool, buffers, sectorSize, later, journal);
            story.Run();
            Assert.Equal(0, pool.Taken);
            commits += story.Commits;
        }
        Assert.Equal(journal, commits > runs / 4);
    }

    /// <summary>Memory for the requests that are in flight at the same time.</summary>
    private sealed class Buffers : IDisposable
    {
        public const int Count = 6;

        public readonly BlockBuffer[] All = new BlockBuffer[Count];

        public Buffers()
        {
            for (int i = 0; i < Count; i++)
                All[i] = new BlockBuffer();
        }

        public void Dispose()
        {
            foreach (BlockBuffer buffer in All)
                buffer.Dispose();
        }
    }

    /// <summary>
    /// One run: rounds of requests in flight at the same time, snapshots taken, discarded and merged in between. With a journal, too, which is at the
    /// disk's end, behind the sectors that the VMs use: written ahead, spilled, committed and merged in the background.
    /// </summary>
    private sealed class Story
    {
        private readonly Random _random;
        private readonly ModelPool _pool;
        private readonly ModelDisk _disk;
        private readonly SnapshotDisk _snapshot;
        private readonly Buffers _buffers;
        private readonly uint _sectorSize;
        private readonly int _chunkSectors;
        private readonly HashSet<int> _scratch = [];
        private readonly List<BlockRequest> _promised = [];
        private readonly ulong _sectors;
        private readonly unsafe byte* _recordPage;
        private bool _isCommitted;
        private byte[] _primary;
        private byte[] _shadow = [];
        private byte[] _last = [];

        public Story(Random random, ModelPool pool, Buffers buffers, uint sectorSize, bool later, bool journal)
        {
            _buffers = buffers;
            _random = random;
            _pool = pool;
            _sectorSize = sectorSize;
            uint chunkSectors = 4096 / sectorSize;
            _chunkSectors = (int)chunkSectors;
            ulong sectors = (ulong)random.Next(1, (random.Next(10) == 0 ? 200 : 30) * (int)chunkSectors);
            uint transfer = chunkSectors * (uint)random.Next(1, 129);
            byte[] image = journal ? JournalImage.Create(sectors, (ulong)random.Next(18, 80) * chunkSectors) : new byte[sectors * sectorSize];
            _sectors = journal ? sectors + JournalImage.SystemFirst : sectors;
            _disk = new ModelDisk((ulong)image.Length / sectorSize, sectorSize, transfer);
            image.CopyTo(_disk.Bytes, 0);
            unsafe
            {
                _recordPage = pool.TakePage();
                var found = new DiskJournal(_disk, pool, _recordPage);
                if (journal)
                    Assert.Equal(Status.Ok, found.Find());
                _snapshot = new SnapshotDisk(_disk, pool, found);
            }
            _disk.Later = later ? random : null;
            random.NextBytes(Disk);
            _primary = Disk.ToArray();
        }

        /// <summary>How many switches were committed.</summary>
        public int Commits { get; private set; }

        /// <summary>What the VMs use of the disk.</summary>
        private Span<byte> Disk => _disk.Bytes.AsSpan(0, (int)(_sectors * _sectorSize));

        public void Run()
        {
            for (int i = 0; i < 20; i++)
            {
                Round();
                ChangeState();
                ChangeKept();
                Assert.Equal((ulong)_pool.Taken, 1 + _snapshot.PagesInUse + _snapshot.Journal.PagesInUse);
            }
            _snapshot.Kept.Release();
            if (_snapshot.State is SnapshotState.Active or SnapshotState.Broken)
                _snapshot.Discard();
            while (_snapshot.State == SnapshotState.Merging)
                _snapshot.MergeStep(7);
            CheckPromises();
            Assert.True(_primary.AsSpan().SequenceEqual(Disk));
            unsafe
            {
                _pool.ReturnPage(_recordPage);
            }
        }

        /// <summary>Flushes that have waited for the end of the merge.</summary>
        private void CheckPromises()
        {
            while (_disk.Pending != 0)
                _snapshot.PrimaryView.Poll();
            Assert.All(_promised, request => Assert.Equal(Status.Ok, request.Status));
            _promised.Clear();
            _isCommitted = false;
        }

        private void ChangeState()
        {
            switch (_snapshot.State)
            {
                case SnapshotState.None:
                    Assert.True(_primary.AsSpan().SequenceEqual(Disk));
                    Assert.Equal((ulong)_pool.Taken, 1 + _snapshot.Kept.PagesInUse);
                    if (_random.Next(2) == 0)
                    {
                        if (_snapshot.Kept.State == KeptState.None)
                            ChooseDataRanges();
                        Assert.Equal(Status.Ok, _snapshot.TakeSnapshot(useJournal: _random.Next(5) != 0));
                        _scratch.Clear();
                        _snapshot.HasScratch = _random.Next(2) == 0;
                        _shadow = (byte[])_primary.Clone();
                    }
                    break;
                case SnapshotState.Active when _random.Next(6) == 0:
                    Assert.Equal(Status.Ok, _snapshot.Discard());
                    break;
                case SnapshotState.Active when _random.Next(4) == 0:
                    if (_random.Next(2) == 0)
                        Keep();
                    if (_snapshot.Journal.State == JournalState.Open && _random.Next(4) != 0)
                    {
                        Commit();
                        break;
                    }
                    Assert.Equal(Status.Ok, _snapshot.BeginMerge());
                    ForgetScratch();
                    _primary = _shadow;
                    break;
                case SnapshotState.Active when _random.Next(6) == 0:
                    Assert.Equal(Status.Ok, _snapshot.ForgetScratch());
                    ForgetScratch();
                    _snapshot.HasScratch = _random.Next(2) == 0;
                    break;
                case SnapshotState.Active when _random.Next(2) == 0:
                    Assert.True(_snapshot.WriteAhead((uint)_random.Next(1, 60)) == Status.Ok || _snapshot.Journal.State == JournalState.TooSmall);
                    if (_random.Next(2) == 0)
                        _ = _snapshot.Spill((uint)_random.Next(1, 60));
                    break;
                case SnapshotState.Merging when _random.Next(3) != 0:
                    Status status = _snapshot.MergeStep((uint)_random.Next(1, 60));
                    Assert.True(status is Status.Ok or Status.Pending);
                    if (status == Status.Ok)
                        CheckPromises();
                    break;
                default:
                    break;
            }
        }

        private void Commit()
        {
            Status status = _snapshot.Commit();
            ForgetScratch();
            if (status != Status.Ok)
            {
                Assert.Equal(JournalState.TooSmall, _snapshot.Journal.State);
                return;
            }
            Commits++;
            _isCommitted = true;
            _primary = _shadow;
        }

        private void ChangeKept()
        {
            if (_snapshot.Kept.State == KeptState.None && _snapshot.State != SnapshotState.Merging && _random.Next(6) == 0)
                Keep();
            else if (_snapshot.Kept.State != KeptState.None && _random.Next(6) == 0)
                _snapshot.Kept.Release();
        }

        private void Keep()
        {
            bool free = _snapshot.Kept.State == KeptState.None;
            ulong most = _random.Next(8) == 0 ? (ulong)_random.Next(20) : ulong.MaxValue;
            Assert.Equal(free ? Status.Ok : Status.InvalidState, _snapshot.Kept.Keep(most));
            if (free)
                _last = (byte[])_primary.Clone();
        }

        private void ChooseDataRanges()
        {
            BlockRanges ranges = _snapshot.DataRanges;
            ranges.Clear();
            ulong chunks = _sectors / (ulong)_chunkSectors;
            for (int i = _random.Next(4); i > 0 && chunks != 0; i--)
            {
                ulong first = (ulong)_random.NextInt64((long)chunks);
                ulong count = (ulong)_random.NextInt64(1, (long)Math.Min(chunks - first, 10) + 1);
                Assert.True(ranges.Add(first * (ulong)_chunkSectors, count * (ulong)_chunkSectors) is Status.Ok or Status.InvalidArgument);
            }
        }

        private void ForgetScratch()
        {
            for (int sector = 0; sector < (int)_sectors; sector++)
            {
                if (_scratch.Contains(sector / _chunkSectors))
                    SectorOf(_primary, sector).CopyTo(SectorOf(_shadow, sector));
            }
            _scratch.Clear();
        }

        private Span<byte> SectorOf(byte[] model, int sector) => model.AsSpan(sector * (int)_sectorSize, (int)_sectorSize);

        /// <summary>Everybody sees what the primary writes to the data ranges, but for the shadow where it has written itself.</summary>
        private void Mirror(ulong first, uint sectors)
        {
            for (int sector = (int)first; sector < (int)(first + sectors); sector++)
            {
                if (!_snapshot.DataRanges.Contains((ulong)(sector / _chunkSectors)))
                    continue;
                if (_last.Length != 0)
                    SectorOf(_primary, sector).CopyTo(SectorOf(_last, sector));
                if (_shadow.Length != 0 && _shadow != _primary && !_scratch.Contains(sector / _chunkSectors))
                    SectorOf(_primary, sector).CopyTo(SectorOf(_shadow, sector));
            }
        }

        private void MarkScratch(ulong first, uint sectors)
        {
            for (int chunk = (int)first / _chunkSectors; chunk <= (int)(first + sectors - 1) / _chunkSectors; chunk++)
            {
                if (_snapshot.DataRanges.Contains((ulong)chunk))
                    _scratch.Add(chunk);
            }
        }

        /// <summary>Up to six requests at once, of one VM or both; those of one VM do not overlap, for then their order would matter.</summary>
        private void Round()
        {
            int count = _random.Next(1, Buffers.Count + 1);
            var checks = new List<Action>();
            var busy = new List<(BlockDevice View, ulong First, ulong End)>();
            for (int i = 0; i < count; i++)
            {
                BlockDevice view = _snapshot.State == SnapshotState.Active && _random.Next(2) == 0 ? _snapshot.ShadowView : _snapshot.PrimaryView;
                if (_snapshot.Kept.State != KeptState.None && _random.Next(3) == 0)
                    view = _snapshot.PrimaryLastView;
                ulong first = (ulong)_random.NextInt64((long)_sectors);
                ulong most = Math.Min(_sectors - first, Math.Min(_disk.MaxTransferSectors, 128 * 4096 / _sectorSize));
                ulong sectors = _random.Next(10) == 0 ? most : (ulong)_random.NextInt64(1, (long)Math.Min(most, 20) + 1);
                // In the data ranges all see the same chunks.
                bool shared = _snapshot.DataRanges.TouchesSectors(first, sectors);
                ulong unit = shared ? (ulong)_chunkSectors : 1, from = first / unit * unit, end = (first + sectors + unit - 1) / unit * unit;
                if (busy.Exists(other => (shared || other.View == view) && from < other.End && other.First < end))
                    continue;
                busy.Add((view, from, end));
                checks.Add(Submit(_buffers.All[i], view, first, (uint)sectors));
            }
            for (int i = 0; _disk.Pending != 0; i++)
            {
                Assert.True(i < 100_000);
                _snapshot.PrimaryView.Poll();
            }
            foreach (Action check in checks)
                check();
        }

        private Action Submit(BlockBuffer buffer, BlockDevice view, ulong first, uint sectors)
        {
            bool shadow = view == _snapshot.ShadowView, last = view == _snapshot.PrimaryLastView;
            byte[] model = shadow ? _shadow : last ? _last : _primary;
            int at = (int)(first * _sectorSize);
            int bytes = (int)(sectors * _sectorSize);
            var operation = (BlockOperation)(_random.Next(8) switch { < 3 => 0, < 6 => 1, 6 => 3, _ => _random.Next(2, 5) });
            if (last)
                operation = BlockOperation.Read;
            bool isWrite = operation is BlockOperation.Write or BlockOperation.WriteZeroes;
            if (operation == BlockOperation.Flush && _isCommitted)
            {
                var flush = new BlockRequest(0);
                flush.Prepare(operation, 0, 0);
                _promised.Add(flush);
                view.Submit(flush);
                return () => Assert.False(flush.IsDone);
            }
            bool refused = shadow && isWrite && !_snapshot.HasScratch && _snapshot.DataRanges.TouchesSectors(first, sectors);
            if (refused)
                model = (byte[])model.Clone();
            else if (shadow && isWrite)
                MarkScratch(first, sectors);
            switch (operation)
            {
                case BlockOperation.Read:
                    buffer.Prepare(_random, operation, first, sectors, _sectorSize);
                    break;
                case BlockOperation.Write:
                    buffer.Prepare(_random, operation, first, sectors, _sectorSize);
                    byte[] data = new byte[bytes];
                    _random.NextBytes(data);
                    buffer.Write(data);
                    data.CopyTo(model, at);
                    break;
                case BlockOperation.Flush:
                    buffer.Request.Prepare(operation, 0, 0);
                    break;
                case BlockOperation.WriteZeroes:
                    buffer.Request.Prepare(operation, first, sectors);
                    model.AsSpan(at, bytes).Clear();
                    break;
                default:
                    buffer.Request.Prepare(operation, first, sectors);
                    break;
            }
            if (!shadow && isWrite)
                Mirror(first, sectors);
            view.Submit(buffer.Request);
            return () =>
            {
                if (last && _snapshot.Kept.State == KeptState.Lost)
                    return;
                Assert.Equal(refused ? Status.WriteProtected : Status.Ok, buffer.Request.Status);
                if (operation == BlockOperation.Read)
                    Assert.True(model.AsSpan(at, bytes).SequenceEqual(buffer.Read()), $"{(shadow ? "shadow" : last ? "last" : "primary")} read {first}+{sectors}");
                else if (operation == BlockOperation.Discard)
                    LearnDiscard(buffer, view, model, first, sectors);
            };
        }

        /// <summary>A discarded sector keeps its contents or is zero from then on: whichever the view says it is, it has to stay.</summary>
        private void LearnDiscard(BlockBuffer buffer, BlockDevice view, byte[] model, ulong first, uint sectors)
        {
            buffer.Prepare(_random, BlockOperation.Read, first, sectors, _sectorSize);
            Assert.Equal(Status.Ok, view.Execute(buffer.Request));
            byte[] now = buffer.Read();
            for (int i = 0; i < now.Length; i += (int)_sectorSize)
            {
                Span<byte> sector = now.AsSpan(i, (int)_sectorSize);
                Span<byte> known = model.AsSpan((int)(first * _sectorSize) + i, (int)_sectorSize);
                Assert.True(sector.SequenceEqual(known) || !sector.ContainsAnyExcept((byte)0));
                sector.CopyTo(known);
            }
            if (view == _snapshot.PrimaryView)
                Mirror(first, sectors);
        }
    }
}
