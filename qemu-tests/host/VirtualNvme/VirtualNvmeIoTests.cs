using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using Hv.Drivers.Block;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Pci;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class VirtualNvmeIoTests : IDisposable
{
    private const uint Sectors = 10_000;

    private readonly Random _random = new(5);
    private readonly ModelDisk _disk = new(Sectors);
    private readonly NvmeGuest _guest;
    private readonly GuestQueue _queue;

    public VirtualNvmeIoTests()
    {
        _random.NextBytes(_disk.Bytes);
        _guest = new NvmeGuest(_disk);
        _guest.Start();
        _queue = _guest.CreateQueue(1);
    }

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Reads_and_writes_go_where_the_PRP_entries_say()
    {
        ulong lists = _guest.TakePages(8);
        ulong data = _guest.TakePages(200);
        for (int run = 0; run < 2000; run++)
        {
            uint sectors = (uint)_random.Next(1, _random.Next(4) == 0 ? 1025 : 30);
            ulong first = (ulong)_random.Next((int)(Sectors - sectors) + 1);
            byte[] bytes = new byte[sectors * 512];
            bool write = _random.Next(2) == 0;
            NvmeCommand command = Transfer(write ? NvmeIoOpcode.Write : NvmeIoOpcode.Read, first, sectors);
            List<(int Address, int Bytes)> pieces = Scatter(ref command, data, lists, bytes.Length);
            if (write)
            {
                _random.NextBytes(bytes);
                int at = 0;
                foreach ((int address, int length) in pieces)
                    bytes.AsSpan(at, length).CopyTo(_guest.Memory.Bytes.Slice(address));
            }
            byte[] before = _guest.Memory.Bytes.ToArray();
            Assert.Equal(NvmeStatus.Success, _guest.Execute(_queue, command).Status);
            byte[] transferred = pieces.SelectMany(piece => _guest.Memory.Bytes.Slice(piece.Address, piece.Bytes).ToArray()).ToArray();
            Assert.True(transferred.AsSpan().SequenceEqual(_disk.Bytes.AsSpan((int)first * 512, bytes.Length)));
            if (run % 20 == 0)
                AssertNothingElseChanged(before, pieces, write);
        }
    }

    [Theory]
    [InlineData(0x001, 0x000)]
    [InlineData(0x002, 0x000)]
    [InlineData(0x000, 0x200)]
    [InlineData(0x000, 0x004)]
    public void A_misaligned_entry_is_an_invalid_offset(uint first, uint second)
    {
        ulong data = _guest.TakePages(2);
        NvmeCommand command = Transfer(NvmeIoOpcode.Read, 0, 16);
        command.Prp1 = data + first;
        command.Prp2 = data + 0x1000 + second;
        Assert.Equal(NvmeStatus.InvalidPrpOffset, Execute(command));
    }

    [Fact]
    public void A_misaligned_list_or_list_entry_is_an_invalid_offset()
    {
        ulong data = _guest.TakePages(4);
        ulong list = _guest.TakePages();
        NvmeCommand command = Transfer(NvmeIoOpcode.Read, 0, 24);
        command.Prp1 = data;
        command.Prp2 = list + 4;
        Assert.Equal(NvmeStatus.InvalidPrpOffset, Execute(command));
        command.Prp2 = list;
        _guest.PutList(list, data + 0x1000, data + 0x2008);
        Assert.Equal(NvmeStatus.InvalidPrpOffset, Execute(command));
        // A list that starts at the last entry of its page has a pointer there, which must be page aligned.
        command.Prp2 = list + 0xFF8;
        _guest.PutList(list + 0xFF8, list + 8);
        Assert.Equal(NvmeStatus.InvalidPrpOffset, Execute(command));
        Assert.Empty(_disk.Log);
    }

    [Fact]
    public void Lists_may_be_chained_and_may_start_anywhere_in_a_page()
    {
        ulong data = _guest.TakePages(4);
        ulong lists = _guest.TakePages(3);
        NvmeCommand command = Transfer(NvmeIoOpcode.Read, 0, 32);
        command.Prp1 = data + 0x3000;
        command.Prp2 = lists + 0xFF0;
        _guest.PutList(lists + 0xFF0, data + 0x2000, lists + 0x2000);
        _guest.PutList(lists + 0x2000, data + 0x1000, data);
        Assert.Equal(NvmeStatus.Success, Execute(command));
        for (int page = 0; page < 4; page++)
            Assert.True(_guest.Memory.Bytes.Slice((int)data + 0x3000 - page * 0x1000, 0x1000).SequenceEqual(_disk.Bytes.AsSpan(page * 0x1000, 0x1000)));

        // The last entry of a page is no pointer if it is the last one that is needed.
        command = Transfer(NvmeIoOpcode.Read, 100, 24);
        command.Prp1 = data;
        command.Prp2 = lists + 0xFF0;
        _guest.PutList(lists + 0xFF0, data + 0x1000, data + 0x2000);
        Assert.Equal(NvmeStatus.Success, Execute(command));
        Assert.True(_guest.Memory.Bytes.Slice((int)data, 24 * 512).SequenceEqual(_disk.Bytes.AsSpan(100 * 512, 24 * 512)));
    }

    [Fact]
    public void A_list_that_points_to_itself_ends_with_the_transfer()
    {
        ulong list = _guest.TakePages();
        NvmeCommand command = Transfer(NvmeIoOpcode.Write, 0, 1024);
        command.Prp1 = _guest.TakePages();
        command.Prp2 = list + 0xFF8;
        _guest.PutList(list, Enumerable.Repeat(list, 512).ToArray());
        Assert.Equal(NvmeStatus.Success, Execute(command));
    }

    [Fact]
    public void Memory_that_is_not_there_is_a_transfer_error()
    {
        ulong data = _guest.TakePages(3);
        NvmeCommand command = Transfer(NvmeIoOpcode.Read, 0, 16);
        command.Prp1 = 1ul << 45;
        Assert.Equal(NvmeStatus.DataTransferError, Execute(command));
        command.Prp1 = data;
        command.Prp2 = 0xFFFF_FFFF_FFFF_F000;
        Assert.Equal(NvmeStatus.DataTransferError, Execute(command));
        command = Transfer(NvmeIoOpcode.Read, 0, 24);
        command.Prp1 = data;
        command.Prp2 = 1ul << 45;
        Assert.Equal(NvmeStatus.DataTransferError, Execute(command));
        Assert.Empty(_disk.Log);
    }

    [Theory]
    [InlineData(NvmeIoOpcode.Read, Sectors, 1)]
    [InlineData(NvmeIoOpcode.Write, Sectors - 1, 2)]
    [InlineData(NvmeIoOpcode.WriteZeroes, ulong.MaxValue, 1)]
    [InlineData(NvmeIoOpcode.Read, ulong.MaxValue, 2)]
    public void A_range_beyond_the_end_is_refused(byte opcode, ulong first, uint sectors)
    {
        NvmeCommand command = Transfer(opcode, first, sectors);
        command.Prp1 = _guest.TakePages();
        Assert.Equal(NvmeStatus.LbaOutOfRange, Execute(command));
    }

    [Fact]
    public void A_transfer_longer_than_the_limit_is_refused_but_not_a_zeroing()
    {
        NvmeCommand command = Transfer(NvmeIoOpcode.Read, 0, 1025);
        command.Prp1 = _guest.TakePages();
        Assert.Equal(NvmeStatus.InvalidField, Execute(command));
        Assert.Equal(NvmeStatus.Success, Execute(Transfer(NvmeIoOpcode.WriteZeroes, 1, 9_000)));
        Assert.False(_disk.Bytes.AsSpan(512, 9_000 * 512).ContainsAnyExcept((byte)0));
    }

    [Theory]
    [InlineData(NvmeIoOpcode.WriteUncorrectable)]
    [InlineData(NvmeIoOpcode.Compare)]
    [InlineData(0x0D)]
    [InlineData(0x80)]
    public void Other_opcodes_are_invalid(byte opcode) => Assert.Equal(NvmeStatus.InvalidOpcode, Execute(Transfer(opcode, 0, 1)));

    [Theory]
    [InlineData(0, NvmeStatus.InvalidNamespace)]
    [InlineData(2, NvmeStatus.InvalidField)]
    [InlineData(3, NvmeStatus.InvalidNamespace)]
    [InlineData(uint.MaxValue, NvmeStatus.InvalidNamespace)]
    public void Other_namespaces_are_refused(uint id, ushort expected)
    {
        NvmeCommand command = Transfer(NvmeIoOpcode.Read, 0, 1);
        command.NamespaceId = id;
        command.Prp1 = _guest.TakePages();
        Assert.Equal(expected, Execute(command));
    }

    [Fact]
    public void Force_unit_access_reaches_the_disk_and_is_implied_without_the_write_cache()
    {
        ulong page = _guest.TakePages();
        NvmeCommand write = Transfer(NvmeIoOpcode.Write, 0, 1);
        write.Prp1 = page;
        Execute(write);
        write.Dword12 |= NvmeCommand.ForceUnitAccess;
        Execute(write);
        _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, NvmeFeature.VolatileWriteCache, 0);
        write.Dword12 &= ~NvmeCommand.ForceUnitAccess;
        Execute(write);
        Execute(Transfer(NvmeIoOpcode.WriteZeroes, 0, 1));
        Assert.Equal([false, true, true, true], _disk.Log.Select(entry => entry.Fua));
    }

    [Fact]
    public void Flush_reaches_the_disk_for_one_namespace_or_all()
    {
        Assert.Equal(NvmeStatus.Success, Execute(_guest.NewCommand(NvmeIoOpcode.Flush, 1)));
        Assert.Equal(NvmeStatus.Success, Execute(_guest.NewCommand(NvmeIoOpcode.Flush, NvmeCommand.AllNamespaces)));
        Assert.Equal(NvmeStatus.InvalidNamespace, Execute(_guest.NewCommand(NvmeIoOpcode.Flush, 7)));
        Assert.Equal(2, _disk.Log.Count(entry => entry.Operation == BlockOperation.Flush));
    }

    [Fact]
    public void Deallocation_discards_range_after_range()
    {
        foreach (bool later in new[] { false, true })
        {
            _disk.Later = later ? _random : null;
            _disk.Log.Clear();
            ulong pages = _guest.TakePages(2);
            NvmeCommand command = _guest.NewCommand(NvmeIoOpcode.DatasetManagement, 1);
            command.Dword10 = 255;
            command.Dword11 = NvmeCommand.Deallocate;
            command.Prp1 = pages + 0xFF8;
            command.Prp2 = pages + 0x1000;
            for (uint i = 0; i < 256; i++)
            {
                Span<byte> range = _guest.Memory.Bytes.Slice((int)pages + 0xFF8 + (int)i * 16);
                BinaryPrimitives.WriteUInt32LittleEndian(range.Slice(4), i);
                BinaryPrimitives.WriteUInt64LittleEndian(range.Slice(8), i * 30);
            }
            _guest.Submit(_queue, command);
            for (int i = 0; i < 300; i++)
                _guest.Controller.Poll();
            Assert.Equal(NvmeStatus.Success, Assert.Single(_guest.ReapAll(_queue)).Status);
            Assert.Equal(255, _disk.Log.Count);
            Assert.Equal((BlockOperation.Discard, 30ul, 1ul, false), _disk.Log[0]);
            Assert.Equal((BlockOperation.Discard, 255ul * 30, 255ul, false), _disk.Log[254]);
        }
    }

    [Fact]
    public void Deallocation_is_checked_and_other_hints_are_ignored()
    {
        ulong page = _guest.TakePages();
        NvmeCommand command = _guest.NewCommand(NvmeIoOpcode.DatasetManagement, 1);
        command.Prp1 = page;
        command.Dword11 = 3;
        Assert.Equal(NvmeStatus.Success, Execute(command));
        Assert.Empty(_disk.Log);
        command.Dword11 = NvmeCommand.Deallocate;
        BinaryPrimitives.WriteUInt32LittleEndian(_guest.Memory.Bytes.Slice((int)page + 4), 2);
        BinaryPrimitives.WriteUInt64LittleEndian(_guest.Memory.Bytes.Slice((int)page + 8), Sectors - 1);
        Assert.Equal(NvmeStatus.LbaOutOfRange, Execute(command));
        command.Prp1 = page + 1;
        Assert.Equal(NvmeStatus.InvalidPrpOffset, Execute(command));
        command.Prp1 = 1ul << 40;
        Assert.Equal(NvmeStatus.DataTransferError, Execute(command));
        Assert.Empty(_disk.Log);
    }

    [Fact]
    public void A_read_only_namespace_can_only_be_read()
    {
        var second = new ModelDisk(100);
        _guest.Controller.AttachNamespace(2, second, readOnly: true, NvmeGuest.Guid);
        ulong page = _guest.TakePages();
        foreach (byte opcode in new[] { NvmeIoOpcode.Write, NvmeIoOpcode.WriteZeroes, NvmeIoOpcode.DatasetManagement })
        {
            NvmeCommand command = Transfer(opcode, 0, 1);
            command.NamespaceId = 2;
            command.Prp1 = page;
            if (opcode == NvmeIoOpcode.DatasetManagement)
                command.Dword11 = NvmeCommand.Deallocate;
            Assert.Equal(NvmeStatus.NamespaceWriteProtected, Execute(command));
        }
        NvmeCommand read = Transfer(NvmeIoOpcode.Read, 99, 1);
        read.NamespaceId = 2;
        read.Prp1 = page;
        Assert.Equal(NvmeStatus.Success, Execute(read));
        Assert.Single(second.Log);
    }

    [Theory]
    [InlineData(NvmeIoOpcode.Read, NvmeStatus.UnrecoveredReadError)]
    [InlineData(NvmeIoOpcode.Write, NvmeStatus.WriteFault)]
    [InlineData(NvmeIoOpcode.Flush, NvmeStatus.InternalError)]
    public void Errors_of_the_disk_are_reported_and_logged(byte opcode, ushort expected)
    {
        _disk.Fails = _ => true;
        NvmeCommand command = opcode == NvmeIoOpcode.Flush ? _guest.NewCommand(opcode, 1) : Transfer(opcode, 77, 1);
        command.Prp1 = _guest.TakePages();
        Assert.Equal(expected, Execute(command));
        byte[] log = _guest.GetLog(NvmeLogPage.ErrorInformation, 64, out _)!;
        Assert.Equal(1, log[8]);
        Assert.Equal(opcode == NvmeIoOpcode.Flush ? 0 : 77, log[16]);
        Assert.Equal(1, log[24]);
    }

    [Fact]
    public void Transfers_are_counted_in_the_health_log()
    {
        NvmeCommand command = Transfer(NvmeIoOpcode.Write, 0, 8);
        command.Prp1 = _guest.TakePages();
        for (int i = 0; i < 126; i++)
            Execute(command);
        byte[] log = _guest.GetLog(NvmeLogPage.Smart, 512, out _)!;
        Assert.Equal(2u, BinaryPrimitives.ReadUInt64LittleEndian(log.AsSpan(48)));
        Assert.Equal(126u, BinaryPrimitives.ReadUInt64LittleEndian(log.AsSpan(80)));
        Assert.Equal(0u, BinaryPrimitives.ReadUInt64LittleEndian(log.AsSpan(64)));
    }

    private ushort Execute(NvmeCommand command) => (ushort)(_guest.Execute(_queue, command).Status & NvmeStatus.CodeMask);

    private NvmeCommand Transfer(byte opcode, ulong first, uint sectors)
    {
        NvmeCommand command = _guest.NewCommand(opcode, 1);
        command.Dword10 = (uint)first;
        command.Dword11 = (uint)(first >> 32);
        command.Dword12 = sectors - 1;
        return command;
    }

    /// <summary>Describes a buffer of random pages, with lists that start anywhere and are chained over pages if need be.</summary>
    private List<(int Address, int Bytes)> Scatter(ref NvmeCommand command, ulong data, ulong lists, int bytes)
    {
        int[] pages = Enumerable.Range(0, 200).ToArray();
        _random.Shuffle(pages);
        int offset = _random.Next(2) == 0 ? 0 : _random.Next(1024) * 4;
        var pieces = new List<(int Address, int Bytes)>();
        for (int left = bytes; left != 0; offset = 0)
        {
            int part = Math.Min(left, 4096 - offset);
            pieces.Add(((int)data + pages[pieces.Count] * 4096 + offset, part));
            left -= part;
        }
        command.Prp1 = (ulong)pieces[0].Address;
        command.Prp2 = ulong.MaxValue;
        if (pieces.Count == 2)
            command.Prp2 = (ulong)pieces[1].Address;
        if (pieces.Count <= 2)
            return pieces;
        ulong place = lists + (ulong)_random.Next(512) * 8;
        command.Prp2 = place;
        ulong nextList = lists + 4096;
        for (int i = 1; i < pieces.Count; i++)
        {
            bool lastInPage = (place & 0xFFF) == 0xFF8;
            if (lastInPage && i != pieces.Count - 1)
            {
                _guest.PutList(place, nextList);
                place = nextList;
                nextList += 4096;
            }
            _guest.PutList(place, (ulong)pieces[i].Address);
            place += 8;
        }
        return pieces;
    }

    private void AssertNothingElseChanged(byte[] before, List<(int Address, int Bytes)> pieces, bool write)
    {
        byte[] after = _guest.Memory.Bytes.ToArray();
        after.AsSpan((int)_queue.Completion, 4096).CopyTo(before.AsSpan((int)_queue.Completion));
        after.AsSpan((int)_queue.Submission, 4096).CopyTo(before.AsSpan((int)_queue.Submission));
        if (!write)
        {
            foreach ((int address, int bytes) in pieces)
                after.AsSpan(address, bytes).CopyTo(before.AsSpan(address));
        }
        Assert.True(before.AsSpan().SequenceEqual(after));
    }
}
