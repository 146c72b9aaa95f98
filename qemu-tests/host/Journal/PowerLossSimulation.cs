using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Hv.Drivers.Block;
using Hv.Kernel;
using Hv.Shadow.Blocks;
using Hv.Shadow.Journal;

namespace Hv.HostTests.Journal;

/// <summary>
/// One history of two systems on one disk, the same for the same seed: snapshots, writes of both, writing ahead, commit or discard, merge. The power
/// may fail in any step; then the disk is either the old system's or the new one's. In most histories there are data ranges, in which the primary's
/// writes are there in both cases, with scratch of the shadow's; and the old primary's last view of the disk is kept during the merge.
/// </summary>
internal sealed class PowerLossSimulation : IDisposable
{
    private const int SystemSectors = 24 * 8 - 3, JournalSectors = 48 * 8, Rounds = 2, ChunkSectors = 8;

    private readonly Random _random;
    private readonly ModelPool _pool = new(400);
    private readonly BlockBuffer _buffer = new();
    private readonly List<(BlockRequest Request, (int, ulong[]) Begun)> _flushes = [];
    private readonly SnapshotDisk _snapshot;
    private readonly bool _spills;
    private ViewModel _primary;
    private ulong[] _shadow = [];
    private ViewModel? _committing;
    private readonly HashSet<int> _scratch = [];
    private ulong[] _last = [];
    private ulong _lastValue;

    public PowerLossSimulation(int seed)
    {
        _random = new Random(seed);
        _spills = seed % 2 == 0;
        Disk = new CrashDisk(JournalImage.Create(SystemSectors, JournalSectors));
        DiskJournal journal = JournalImage.Journal(Disk, _pool);
        Require(journal.Find() == Status.Ok, "a journal is found");
        _snapshot = new SnapshotDisk(Disk, _pool, journal);
        _primary = new ViewModel(new ulong[SystemSectors]);
        for (int i = seed % 3; i > 0; i--)
        {
            int first = _random.Next(SystemSectors / ChunkSectors - 6);
            Require(_snapshot.DataRanges.Add(JournalImage.SystemFirst + (ulong)(first * ChunkSectors), (ulong)_random.Next(1, 6) * ChunkSectors)
                is Status.Ok or Status.InvalidArgument, "a range is taken or overlaps");
        }
    }

    public CrashDisk Disk { get; }

    /// <summary>Tells the history; true if it came to its end, false if the power failed in it.</summary>
    public bool Run()
    {
        try
        {
            for (int i = 0; i < Rounds; i++)
                Round();
            return true;
        }
        catch (PowerLossException)
        {
            return false;
        }
    }

    /// <summary>Turns the power on again, and checks what is on the disk. <paramref name="random"/> chooses what has been lost.</summary>
    public JournalRecovery Restart(Random random)
    {
        const ulong record = JournalImage.SystemFirst + SystemSectors;
        byte[] medium = Disk.AfterPowerLoss(random, record);
        JournalRecovery first = JournalRecovery.Nothing;
        for (int attempt = 0; ; attempt++)
        {
            using var pool = new ModelPool(64);
            var disk = new CrashDisk(medium) { CutAt = attempt < 3 && random.Next(3) == 0 ? random.Next(1, 12) : 0 };
            DiskJournal journal = JournalImage.Journal(disk, pool);
            try
            {
                Require(journal.Find() == Status.Ok, "the journal is found again");
            }
            catch (PowerLossException)
            {
                medium = disk.AfterPowerLoss(random, record);
                continue;
            }
            if (attempt == 0)
                first = journal.Recovery;
            Require(journal.Recovery is JournalRecovery.Nothing or JournalRecovery.Discarded or JournalRecovery.Replayed, "the journal is not damaged");
            Check(disk.Bytes);
            Require(journal.Find() == Status.Ok && journal.Recovery == JournalRecovery.Nothing, "nothing is left to do");
            Require(pool.Taken == 1, "all pages are given back");
            return first;
        }
    }

    public void Dispose()
    {
        _pool.Dispose();
        _buffer.Dispose();
    }

    private void Check(ReadOnlySpan<byte> bytes)
    {
        ulong[] found = Values(bytes);
        Require(_primary.Allows(found) || _committing != null && _committing.Allows(found), "the disk is one of the two systems'");
    }

    // Each sector holds one number over and over; a sector with two of them was torn.
    private static ulong[] Values(ReadOnlySpan<byte> bytes)
    {
        ulong[] values = new ulong[SystemSectors];
        for (int i = 0; i < SystemSectors; i++)
        {
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes.Slice(((int)JournalImage.SystemFirst + i) * CrashDisk.Sector, CrashDisk.Sector));
            values[i] = words[0];
            Require(!words.ContainsAnyExcept(words[0]), "sectors are whole");
        }
        return values;
    }

    private void Round()
    {
        for (int i = _random.Next(6); i > 0; i--)
            Act(shadow: false);
        Require(_snapshot.TakeSnapshot() == Status.Ok, "a snapshot is taken");
        _shadow = (ulong[])_primary.Now.Clone();
        _scratch.Clear();
        _snapshot.HasScratch = _random.Next(2) == 0;
        for (int i = _random.Next(4, 40); i > 0; i--)
        {
            if (_random.Next(4) == 0)
                Require(_snapshot.WriteAhead((uint)_random.Next(1, 9)) == Status.Ok, "the journal takes chunks");
            else
                Act(shadow: _random.Next(2) == 0);
            if (_random.Next(20) == 0)
            {
                Require(_snapshot.ForgetScratch() == Status.Ok, "scratch is forgotten");
                ForgetScratch();
            }
            if (_spills && _random.Next(3) == 0)
                _ = _snapshot.Spill((uint)_random.Next(1, 20));
            Require(_pool.Taken == 1 + (int)_snapshot.PagesInUse + (int)_snapshot.Journal.PagesInUse, "the pages in use are counted");
        }
        if (_random.Next(5) == 0)
        {
            Require(_snapshot.Discard() == Status.Ok, "the shadow is discarded");
            _shadow = [];
            return;
        }
        if (_random.Next(2) == 0)
        {
            Require(_snapshot.Kept.Keep(_random.Next(4) == 0 ? (ulong)_random.Next(8) : ulong.MaxValue) == Status.Ok, "the last view is kept");
            _last = (ulong[])_primary.Now.Clone();
        }
        ForgetScratch();
        _committing = new ViewModel(_shadow);
        _shadow = [];
        Require(_snapshot.Commit() == Status.Ok, "the switch is committed");
        _primary = _committing;
        _committing = null;
        for (Status status = Status.Pending; status == Status.Pending;)
        {
            for (int i = _random.Next(3); i > 0; i--)
                Act(shadow: false);
            CheckLastView();
            status = _snapshot.MergeStep((uint)_random.Next(1, 6));
            Require(status is Status.Ok or Status.Pending, "the merge goes on");
            EndFlushes();
        }
        Require(_flushes.Count == 0 && _snapshot.State == SnapshotState.None, "all flushes are answered");
        CheckLastView();
        _snapshot.Kept.Release();
        Require(_pool.Taken == 1, "all pages are given back");
    }

    private static ulong ChunkOf(int sector) => (JournalImage.SystemFirst + (ulong)sector) / ChunkSectors;

    private bool IsData(int sector) => _snapshot.DataRanges.Contains(ChunkOf(sector));

    private void ForgetScratch()
    {
        for (int i = 0; i < SystemSectors; i++)
        {
            if (_scratch.Contains((int)ChunkOf(i)))
                _shadow[i] = _primary.Now[i];
        }
        _scratch.Clear();
    }

    // The disk as it was, but for the data ranges, which are shown as they are.
    private void CheckLastView()
    {
        if (_snapshot.Kept.State != KeptState.Kept)
            return;
        int first = _random.Next(SystemSectors), count = Math.Min(_random.Next(1, 60), SystemSectors - first);
        ulong[] expected = (ulong[])_last.Clone();
        for (int i = 0; i < SystemSectors; i++)
            expected[i] = IsData(i) ? _primary.Now[i] : expected[i];
        Read(_snapshot.PrimaryLastView, expected, first, count);
    }

    private void Act(bool shadow)
    {
        BlockDevice view = shadow ? _snapshot.ShadowView : _snapshot.PrimaryView;
        int first = _random.Next(SystemSectors);
        int count = Math.Min(_random.Next(4) == 0 ? _random.Next(1, 60) : _random.Next(1, 10), SystemSectors - first);
        switch (_random.Next(10))
        {
            case 0 when !shadow:
                Flush(view);
                break;
            case 1:
                _buffer.Request.Prepare(BlockOperation.WriteZeroes, JournalImage.SystemFirst + (ulong)first, (ulong)count);
                Require(Note(shadow, first, count, 0) == view.Execute(_buffer.Request), "zeroes are written");
                break;
            case 2 or 3:
                Read(view, shadow ? _shadow : _primary.Now, first, count);
                break;
            default:
                _buffer.Prepare(_random, BlockOperation.Write, JournalImage.SystemFirst + (ulong)first, (uint)count, CrashDisk.Sector);
                byte[] data = new byte[count * CrashDisk.Sector];
                MemoryMarshal.Cast<byte, ulong>(data.AsSpan()).Fill(++_lastValue);
                _buffer.Write(data);
                Require(Note(shadow, first, count, _lastValue) == view.Execute(_buffer.Request), "data is written");
                break;
        }
    }

    // Before the write: if the power fails in it, it may have come to the medium. What is to come of it.
    private Status Note(bool shadow, int first, int count, ulong value)
    {
        if (shadow && !_snapshot.HasScratch && _snapshot.DataRanges.TouchesSectors(JournalImage.SystemFirst + (ulong)first, (ulong)count))
            return Status.WriteProtected;
        for (int i = first; i < first + count; i++)
        {
            if (!shadow)
                _primary.Write(i, value);
            else if (IsData(i))
                _scratch.Add((int)ChunkOf(i));
            // The shadow sees the primary's writes to data where it has no scratch.
            if (shadow || _shadow.Length != 0 && IsData(i) && !_scratch.Contains((int)ChunkOf(i)))
                _shadow[i] = value;
        }
        return Status.Ok;
    }

    private void Read(BlockDevice view, ulong[] expected, int first, int count)
    {
        _buffer.Prepare(_random, BlockOperation.Read, JournalImage.SystemFirst + (ulong)first, (uint)count, CrashDisk.Sector);
        Require(view.Execute(_buffer.Request) == Status.Ok, "data is read");
        byte[] data = _buffer.Read();
        for (int i = 0; i < count; i++)
            Require(MemoryMarshal.Read<ulong>(data.AsSpan(i * CrashDisk.Sector)) == expected[first + i], "each system sees its own writes");
    }

    private void Flush(BlockDevice view)
    {
        var request = new BlockRequest(0);
        request.Prepare(BlockOperation.Flush, 0, 0);
        _flushes.Add((request, _primary.BeginFlush()));
        view.Submit(request);
        EndFlushes();
    }

    private void EndFlushes()
    {
        foreach ((BlockRequest request, (int, ulong[]) begun) in _flushes)
        {
            if (!request.IsDone)
                continue;
            Require(request.Status == Status.Ok, "a flush succeeds");
            _primary.EndFlush(begun);
        }
        _flushes.RemoveAll(flush => flush.Request.IsDone);
    }

    private static void Require(bool condition, string what)
    {
        if (!condition)
            throw new InvalidOperationException("Not so: " + what);
    }
}
