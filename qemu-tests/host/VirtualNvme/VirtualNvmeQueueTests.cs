using System;
using System.Collections.Generic;
using System.Linq;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Pci;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class VirtualNvmeQueueTests : IDisposable
{
    private readonly ModelDisk _disk = new(10_000);
    private readonly NvmeGuest _guest;
    private readonly ulong _page;

    public VirtualNvmeQueueTests()
    {
        _guest = new NvmeGuest(_disk);
        _guest.Start();
        _page = _guest.TakePages();
    }

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Queues_wrap_around_with_the_phase_tag_turning_over()
    {
        GuestQueue queue = _guest.CreateQueue(1, 5);
        for (uint i = 1; i <= 203; i++)
            Assert.Equal(i % 5, _guest.Execute(queue, Read()).SubmissionHead);
    }

    [Fact]
    public void A_batch_is_taken_with_one_doorbell()
    {
        GuestQueue queue = _guest.CreateQueue(1, 32);
        for (int i = 0; i < 31; i++)
            _guest.Put(queue, Read());
        _guest.RingTail(queue);
        Assert.Equal(31, _guest.ReapAll(queue).Count);
    }

    [Fact]
    public void A_full_completion_queue_holds_commands_back_until_its_head_moves()
    {
        GuestQueue queue = _guest.NewQueue(1, 1, 64);
        Assert.Equal(NvmeStatus.Success, _guest.CreateCompletionQueue(1, 4, queue.Completion, 3));
        Assert.Equal(NvmeStatus.Success, _guest.CreateSubmissionQueue(1, 64, queue.Submission, 1 << 16 | 1));
        for (int i = 0; i < 10; i++)
            _guest.Put(queue, Read());
        _guest.RingTail(queue);
        Assert.Equal(3, _disk.Log.Count);
        _guest.Write(0x100C, 4, 2);
        Assert.Equal(5, _disk.Log.Count);
        _guest.Write(0x100C, 4, 1);
        Assert.Equal(8, _disk.Log.Count);
        _guest.Write(0x100C, 4, 0);
        Assert.Equal(10, _disk.Log.Count);
    }

    [Fact]
    public void Two_submission_queues_may_share_a_completion_queue()
    {
        GuestQueue first = _guest.CreateQueue(1, 8);
        GuestQueue second = _guest.NewQueue(2, 1, 8);
        Assert.Equal(NvmeStatus.Success, _guest.CreateSubmissionQueue(2, 8, second.Submission, 1 << 16 | 1));
        for (int i = 0; i < 7; i++)
        {
            _guest.Put(first, Read());
            _guest.Put(second, Read());
        }
        _guest.RingTail(first);
        _guest.RingTail(second);
        var order = new List<ushort>();
        while (_guest.TryReap(first, out NvmeCompletion completion))
            order.Add(completion.SubmissionQueue);
        Assert.Equal(14, order.Count);
        Assert.Equal(7, order.Count(id => id == 2));
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 1));
        Assert.Equal(NvmeStatus.InvalidQueueDeletion, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 2));
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
    }

    [Fact]
    public void Eight_pairs_of_queues_work_side_by_side_with_a_vector_each()
    {
        _guest.UseMsix();
        GuestQueue[] queues = Enumerable.Range(1, 8).Select(id => _guest.CreateQueue((uint)id, 16, (uint)id)).ToArray();
        _guest.Sink.Messages.Clear();
        foreach (GuestQueue queue in queues)
            Assert.Equal(NvmeStatus.Success, _guest.Execute(queue, Read()).Status);
        Assert.Equal(
            Enumerable.Range(1, 8).Select(id => (0xFEE0_0000ul + (ulong)id * 0x1000, (uint)id)),
            _guest.Sink.Messages);
        Assert.False(_guest.Line.Level);
    }

    [Fact]
    public void One_message_stands_for_all_that_one_doorbell_completes()
    {
        _guest.UseMsix();
        GuestQueue queue = _guest.CreateQueue(1, 16, 3);
        _guest.Sink.Messages.Clear();
        for (int i = 0; i < 9; i++)
            _guest.Put(queue, Read());
        _guest.RingTail(queue);
        Assert.Equal(3u, Assert.Single(_guest.Sink.Messages).Data);
    }

    [Fact]
    public void A_masked_vector_is_sent_when_it_is_unmasked()
    {
        _guest.UseMsix();
        GuestQueue queue = _guest.CreateQueue(1, 16, 3);
        _guest.Sink.Messages.Clear();
        _guest.Write(0x2000 + 3 * 16 + 12, 4, 1);
        _guest.Submit(queue, Read());
        Assert.Empty(_guest.Sink.Messages);
        _guest.Write(0x2000 + 3 * 16 + 12, 4, 0);
        Assert.Equal(3u, Assert.Single(_guest.Sink.Messages).Data);
    }

    [Fact]
    public void A_queue_without_interrupts_raises_none()
    {
        GuestQueue queue = _guest.NewQueue(1, 1, 16);
        _guest.CreateCompletionQueue(1, 16, queue.Completion, 1);
        _guest.CreateSubmissionQueue(1, 16, queue.Submission, 1 << 16 | 1);
        int rises = _guest.Line.Rises;
        _guest.Submit(queue, Read());
        Assert.Equal(rises, _guest.Line.Rises);
        Assert.True(_guest.TryReap(queue, out _));
    }

    [Fact]
    public void INTx_follows_unread_entries_and_the_mask()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        Assert.False(_guest.Line.Level);
        _guest.Submit(queue, Read());
        Assert.True(_guest.Line.Level);
        _guest.Write(NvmeRegisters.InterruptMaskSet, 4, 1);
        Assert.False(_guest.Line.Level);
        Assert.Equal(1u, _guest.Read(NvmeRegisters.InterruptMaskClear, 4));
        _guest.Write(NvmeRegisters.InterruptMaskClear, 4, 1);
        Assert.True(_guest.Line.Level);
        Assert.True(_guest.TryReap(queue, out _));
        Assert.False(_guest.Line.Level);
        _guest.Submit(queue, Read());
        Assert.True(_guest.Line.Level);
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        Assert.False(_guest.Line.Level);
    }

    [Fact]
    public void Slow_commands_complete_in_any_order_each_once()
    {
        _disk.Later = new Random(3);
        GuestQueue queue = _guest.CreateQueue(1, 128);
        var waiting = new HashSet<ushort>();
        for (int i = 0; i < 100; i++)
        {
            NvmeCommand command = Read();
            waiting.Add(command.CommandId);
            _guest.Put(queue, command);
        }
        _guest.RingTail(queue);
        Assert.Equal(32, _disk.Pending);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(_guest.Controller.IsBusy);
            _guest.Controller.Poll();
            foreach (NvmeCompletion completion in _guest.ReapAll(queue))
                Assert.True(waiting.Remove(completion.CommandId));
        }
        Assert.Empty(waiting);
        Assert.False(_guest.Controller.IsBusy);
    }

    [Fact]
    public void A_controller_reset_waits_for_the_disk_and_drops_what_it_answers()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        _disk.Stuck = true;
        for (int i = 0; i < 5; i++)
            _guest.Submit(queue, Read());
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        Assert.Equal(NvmeRegisters.StatusReady, _guest.Status);
        _disk.Stuck = false;
        for (int i = 0; i < 4; i++)
            Assert.Equal(NvmeRegisters.StatusReady, _guest.Status);
        Assert.Equal(0u, _guest.Status);
        Assert.False(_guest.TryReap(queue, out _));
        _guest.Start();
        queue = _guest.CreateQueue(1);
        _guest.Execute(_guest.Admin, _guest.NewCommand(NvmeAdminOpcode.KeepAlive));
    }

    [Fact]
    public void A_controller_may_be_enabled_again_before_its_reset_has_ended()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        _disk.Stuck = true;
        _guest.Submit(queue, Read());
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeGuest.Enable);
        _guest.Submit(queue, Read());
        Assert.Equal(1, _disk.Pending);
        _disk.Stuck = false;
        Assert.Equal(NvmeRegisters.StatusReady, _guest.Status);
        Assert.False(_guest.Controller.IsBusy);
    }

    [Fact]
    public void A_queue_is_deleted_after_its_last_command()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        _disk.Stuck = true;
        _guest.Submit(queue, Read());
        _guest.Submit(queue, Read());
        NvmeCommand delete = _guest.NewCommand(NvmeAdminOpcode.DeleteSubmissionQueue);
        delete.Dword10 = 1;
        _guest.Submit(_guest.Admin, delete);
        _guest.Submit(queue, Read());
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 1));
        Assert.Equal(2, _disk.Pending);
        _disk.Stuck = false;
        _guest.Controller.Poll();
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        _guest.Controller.Poll();
        Assert.Equal(2, _guest.ReapAll(queue).Count);
        Assert.Equal(delete.CommandId, Assert.Single(_guest.ReapAll(_guest.Admin)).CommandId);
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
    }

    [Fact]
    public void Two_controllers_may_share_a_disk_and_complete_each_others_commands()
    {
        using var other = new NvmeGuest(_disk);
        other.Start();
        GuestQueue mine = _guest.CreateQueue(1);
        GuestQueue theirs = other.CreateQueue(1);
        _disk.Later = new Random(4);
        for (int i = 0; i < 40; i++)
        {
            _guest.Submit(mine, Read());
            other.Submit(theirs, Read());
            _guest.Controller.Poll();
            _guest.Controller.Poll();
            _guest.ReapAll(mine);
            other.ReapAll(theirs);
        }
        _guest.Controller.Pause();
        other.Controller.Pause();
        Assert.Equal(0, _disk.Pending);
    }

    [Fact]
    public void A_turn_takes_only_so_many_commands_and_goes_round_the_queues()
    {
        GuestQueue first = _guest.CreateQueue(1);
        GuestQueue second = _guest.CreateQueue(2);
        _guest.Controller.CommandsPerTurn = 3;
        for (int i = 0; i < 10; i++)
            _guest.Put(first, Read());
        _guest.RingTail(first);
        Assert.Equal(3, _disk.Log.Count);
        Assert.True(_guest.Controller.HasMore);
        _guest.Put(second, Read());
        _guest.RingTail(second);
        Assert.Equal(6, _disk.Log.Count);
        Assert.True(_guest.TryReap(second, out _, ring: false));
        _guest.Controller.Poll();
        _guest.Controller.Poll();
        Assert.Equal(11, _disk.Log.Count);
        Assert.False(_guest.Controller.HasMore);
        _guest.Controller.Poll();
        Assert.Equal(10, _guest.ReapAll(first).Count);
    }

    [Fact]
    public void A_paused_controller_takes_its_commands_later()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        _disk.Later = new Random(4);
        _guest.Submit(queue, Read());
        _guest.Controller.Pause();
        Assert.False(_guest.Controller.IsBusy);
        Assert.True(_guest.TryReap(queue, out _));
        _disk.Later = null;
        _guest.Submit(queue, Read());
        Assert.False(_guest.TryReap(queue, out _));
        _guest.Controller.Resume();
        Assert.True(_guest.TryReap(queue, out _));
    }

    [Fact]
    public void A_pause_gives_up_on_a_disk_that_does_not_answer()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        ((TickingTime)_disk.Time).Step = 100_000_000;
        _disk.Stuck = true;
        _guest.Submit(queue, Read());
        _guest.Controller.Pause();
        Assert.True(_guest.TryReap(queue, out NvmeCompletion completion));
        Assert.Equal(NvmeStatus.UnrecoveredReadError, completion.Status);
    }

    [Fact]
    public void A_rebound_controller_goes_on_with_other_memory_disk_and_interrupts()
    {
        _guest.UseMsix();
        GuestQueue queue = _guest.CreateQueue(1, vector: 2);
        _guest.Execute(queue, Read());
        var disk = new ModelDisk(10_000);
        disk.Bytes[5] = 77;
        using var memory = new ModelGuestMemory(NvmeGuest.MemoryPages);
        var sink = new RecordingSink();
        _guest.Controller.Pause();
        Assert.Equal(Status.InvalidArgument, _guest.Controller.Rebind(memory, new ModelDisk(9_999), sink));
        Assert.Equal(Status.InvalidArgument, _guest.Controller.Rebind(memory, new ModelDisk(10_000, 4096), sink));
        Assert.Equal(Status.InvalidArgument, _guest.Controller.Rebind(memory, new ModelDisk(10_000, 512, 8), sink));
        _guest.Put(queue, Read());
        _guest.Memory.Bytes.CopyTo(memory.Bytes);
        Assert.Equal(Status.Ok, _guest.Controller.Rebind(memory, disk, sink));
        _guest.Controller.Resume();
        _guest.Sink.Messages.Clear();
        _guest.RingTail(queue);
        Assert.Empty(_guest.Sink.Messages);
        Assert.Equal(2u, Assert.Single(sink.Messages).Data);
        Assert.Equal(77, memory.Bytes[(int)_page + 5]);
        Assert.False(_guest.TryReap(queue, out _));
        memory.Bytes.CopyTo(_guest.Memory.Bytes);
        Assert.True(_guest.TryReap(queue, out _));
    }

    [Fact]
    public void A_fork_has_its_own_queues_from_then_on()
    {
        GuestQueue queue = _guest.CreateQueue(1);
        for (int i = 0; i < 40; i++)
            _guest.Execute(queue, Read());
        using var fork = new NvmeGuest(new ModelDisk(10_000));
        _guest.Controller.Pause();
        fork.Controller.Pause();
        _guest.Memory.Bytes.CopyTo(fork.Memory.Bytes);
        fork.Controller.CopyStateFrom(_guest.Controller);
        fork.Controller.Resume();
        _guest.Controller.Resume();
        _guest.Submit(queue, Read());
        var copy = new GuestQueue
        {
            SubmissionId = 1, CompletionId = 1, Size = queue.Size, Submission = queue.Submission, Completion = queue.Completion,
            Tail = queue.Tail - 1, Head = queue.Head, Phase = queue.Phase,
        };
        Assert.False(fork.TryReap(copy, out _));
        Assert.True(_guest.TryReap(queue, out _));
        fork.Submit(copy, Read());
        Assert.True(fork.Line.Level);
        Assert.True(fork.TryReap(copy, out _));
    }

    private NvmeCommand Read()
    {
        NvmeCommand command = _guest.NewCommand(NvmeIoOpcode.Read, 1);
        command.Prp1 = _page;
        return command;
    }
}
