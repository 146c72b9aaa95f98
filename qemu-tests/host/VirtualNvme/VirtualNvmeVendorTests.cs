using System;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Xunit;

namespace Hv.HostTests;

public sealed class VirtualNvmeVendorTests : IDisposable
{
    private readonly ModelDisk _disk = new(10_000);
    private readonly NvmeGuest _guest;

    public VirtualNvmeVendorTests()
    {
        _guest = new NvmeGuest(_disk);
        _guest.Start();
    }

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void A_command_is_answered_at_once_with_status_and_result()
    {
        _guest.Vendor.Answer = command => command.Complete(NvmeStatus.Success, 0xABCD);
        NvmeCompletion completion = _guest.Execute(0xC0, dword11: 7, dword12: 8);
        Assert.Equal(NvmeStatus.Success, completion.Status);
        Assert.Equal(0xABCDu, completion.Result);
        Assert.Equal(8u, _guest.Vendor.Executed[0].Command.Dword12);
        Assert.Equal(0u, _guest.Vendor.Executed[0].Data.Length);
        _guest.Vendor.Answer = command => command.Complete(NvmeStatus.InvalidField, 1);
        Assert.Equal(NvmeStatus.InvalidField | NvmeStatus.DoNotRetry, _guest.Execute(0xFF).Status);
    }

    [Fact]
    public void Data_goes_both_ways_over_page_borders_and_no_further()
    {
        ulong pages = _guest.TakePages(4);
        for (int i = 0; i < 0x4000; i++)
            _guest.Memory.Bytes[(int)pages + i] = (byte)(i >> 4);
        _guest.Vendor.Answer = command =>
        {
            Span<byte> data = new byte[0x1000];
            Assert.Equal(0x1400u, command.Data.Length);
            Assert.True(command.Data.TryRead(0x80, data));
            Assert.Equal(0xF8, data[0]);
            Assert.Equal(0x00, data[0x80]);
            Assert.True(command.Data.TryWrite(0x400, data));
            Assert.False(command.Data.TryWrite(0x401, data));
            Assert.False(command.Data.TryRead(uint.MaxValue, data));
            Assert.False(command.Data.TryClear(0x13FF, 2));
            Assert.False(command.Data.TryClear(1, uint.MaxValue));
            Assert.True(command.Data.TryClear(0x1400, 0));
            command.Complete(NvmeStatus.Success, 0);
        };
        ulong list = _guest.TakePages();
        _guest.PutList(list, pages + 0x2000, pages + 0x1000);
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(0xC2, 0x500, prp1: pages + 0xF00, prp2: list));
        Assert.Equal(0x18, _guest.Memory.Bytes[(int)pages + 0x2300 + 0x200]);
    }

    [Fact]
    public void Bad_lengths_and_buffers_never_reach_the_commands()
    {
        ulong page = _guest.TakePages();
        Assert.Equal(NvmeStatus.InvalidField, _guest.AdminStatus(0xC1, uint.MaxValue, prp1: page));
        Assert.Equal(NvmeStatus.InvalidField, _guest.AdminStatus(0xC1, 0x20001, prp1: page));
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _guest.AdminStatus(0xC1, 1, prp1: page + 1));
        Assert.Equal(NvmeStatus.DataTransferError, _guest.AdminStatus(0xC1, 0x20000, prp1: page, prp2: 1ul << 50));
        Assert.Empty(_guest.Vendor.Executed);
        _guest.Vendor.Answer = command => command.Complete(command.Data.TryRead(0, new byte[4]) ? NvmeStatus.Success : NvmeStatus.DataTransferError, 0);
        Assert.Equal(NvmeStatus.DataTransferError, _guest.AdminStatus(0xC1, 1, prp1: 1ul << 40));
    }

    [Fact]
    public void A_command_may_wait_while_others_go_on()
    {
        NvmeCommand wait = _guest.NewCommand(0xC4);
        _guest.Submit(_guest.Admin, wait);
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        _guest.AdminStatus(NvmeAdminOpcode.KeepAlive);
        int interrupts = _guest.Line.Rises;
        _guest.Vendor.Executed[0].Complete(NvmeStatus.Success, 5);
        Assert.Equal(interrupts + 1, _guest.Line.Rises);
        Assert.True(_guest.TryReap(_guest.Admin, out NvmeCompletion completion));
        Assert.Equal(wait.CommandId, completion.CommandId);
        Assert.Equal(5u, completion.Result);
        _guest.Vendor.Executed[0].Complete(NvmeStatus.Success, 6);
        Assert.False(_guest.TryReap(_guest.Admin, out _));
    }

    [Fact]
    public void An_answer_waits_for_room_in_the_completion_queue()
    {
        using var guest = new NvmeGuest(_disk);
        guest.Start(2);
        NvmeCommand wait = guest.NewCommand(0xC4);
        guest.Submit(guest.Admin, wait);
        guest.Submit(guest.Admin, guest.NewCommand(NvmeAdminOpcode.KeepAlive));
        guest.Vendor.Executed[0].Complete(NvmeStatus.Success, 9);
        Assert.True(guest.TryReap(guest.Admin, out NvmeCompletion first, ring: false));
        Assert.False(guest.TryReap(guest.Admin, out _, ring: false));
        Assert.NotEqual(wait.CommandId, first.CommandId);
        guest.RingHead(guest.Admin);
        Assert.True(guest.TryReap(guest.Admin, out NvmeCompletion second));
        Assert.Equal(9u, second.Result);
    }

    [Fact]
    public void Only_so_many_commands_may_wait()
    {
        for (int i = 0; i < 4; i++)
            _guest.Submit(_guest.Admin, _guest.NewCommand(0xC4));
        Assert.Equal(NvmeStatus.InternalError, _guest.AdminStatus(0xC4));
        _guest.Vendor.Executed[2].Complete(NvmeStatus.Success, 0);
        Assert.True(_guest.TryReap(_guest.Admin, out _));
        _guest.Submit(_guest.Admin, _guest.NewCommand(0xC4));
        Assert.Equal(5, _guest.Vendor.Executed.Count);
    }

    [Fact]
    public void Aborts_and_resets_cancel_what_waits()
    {
        NvmeCommand first = _guest.NewCommand(0xC4);
        _guest.Submit(_guest.Admin, first);
        _guest.Submit(_guest.Admin, _guest.NewCommand(0xC4));
        NvmeCommand abort = _guest.NewCommand(NvmeAdminOpcode.Abort);
        abort.Dword10 = (uint)first.CommandId << 16;
        _guest.Submit(_guest.Admin, abort);
        Assert.Equal(2, _guest.ReapAll(_guest.Admin).Count);
        Assert.Same(_guest.Vendor.Executed[0], Assert.Single(_guest.Vendor.Cancelled));
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        Assert.Same(_guest.Vendor.Executed[1], _guest.Vendor.Cancelled[1]);
        _guest.Vendor.Executed[1].Complete(NvmeStatus.Success, 0);
        _guest.Start();
        Assert.False(_guest.TryReap(_guest.Admin, out _));
    }

    [Fact]
    public void A_fork_answers_its_copy_of_a_waiting_command_in_its_own_memory()
    {
        using var fork = new NvmeGuest(_disk);
        ulong page = _guest.TakePages();
        NvmeCommand wait = _guest.NewCommand(0xC6);
        wait.Dword10 = 1;
        wait.Prp1 = page;
        _guest.Submit(_guest.Admin, wait);
        _guest.Controller.Pause();
        fork.Controller.Pause();
        _guest.Memory.Bytes.CopyTo(fork.Memory.Bytes);
        fork.Controller.CopyStateFrom(_guest.Controller);
        VendorCommand copy = Assert.Single(fork.Vendor.Adopted);
        _guest.Controller.Resume();
        fork.Controller.Resume();
        Assert.True(copy.Data.TryWrite(0, [1, 2, 3, 4]));
        copy.Complete(NvmeStatus.Success, 2);
        Assert.Equal(0, _guest.Memory.Bytes[(int)page]);
        Assert.Equal(1, fork.Memory.Bytes[(int)page]);
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        _guest.Vendor.Executed[0].Complete(NvmeStatus.Success, 1);
        Assert.True(_guest.TryReap(_guest.Admin, out NvmeCompletion completion));
        Assert.Equal(1u, completion.Result);
        Assert.Equal(NvmeRegisters.StatusReady, fork.Status);
    }

    [Fact]
    public void A_command_that_waited_ends_in_the_fork_with_another_result_and_its_own_interrupt()
    {
        using var fork = new NvmeGuest(_disk);
        _guest.UseMsix();
        NvmeCommand start = _guest.NewCommand(0xC0);
        _guest.Submit(_guest.Admin, start);
        _guest.Controller.Pause();
        fork.Controller.Pause();
        _guest.Memory.Bytes.CopyTo(fork.Memory.Bytes);
        fork.Vendor.AnswerAdopted = command => command.Complete(NvmeStatus.Success, 1);
        _guest.Sink.Messages.Clear();
        fork.Controller.CopyStateFrom(_guest.Controller);
        Assert.Empty(fork.Sink.Messages);
        fork.Controller.Resume();
        Assert.Equal(0u, Assert.Single(fork.Sink.Messages).Data);
        Assert.Empty(_guest.Sink.Messages);
        var admin = new GuestQueue
        {
            SubmissionId = 0, CompletionId = 0, Size = _guest.Admin.Size, Submission = _guest.Admin.Submission, Completion = _guest.Admin.Completion,
            Tail = _guest.Admin.Tail, Head = _guest.Admin.Head, Phase = _guest.Admin.Phase,
        };
        Assert.True(fork.TryReap(admin, out NvmeCompletion completion));
        Assert.Equal(1u, completion.Result);
        _guest.Controller.Resume();
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        _guest.Vendor.Executed[0].Complete(NvmeStatus.Success, 0);
        Assert.True(_guest.TryReap(_guest.Admin, out completion));
        Assert.Equal(0u, completion.Result);
        Assert.Equal(start.CommandId, completion.CommandId);
    }
}
