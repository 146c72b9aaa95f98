using System;
using System.Buffers.Binary;
using System.Text;
using Hv.Drivers.Nvme.Spec;
using Hv.Drivers.Nvme.Virtual;
using Xunit;

namespace Hv.HostTests;

public sealed class VirtualNvmeAdminTests : IDisposable
{
    private readonly ModelDisk _disk = new(10_000);
    private readonly NvmeGuest _guest;

    public VirtualNvmeAdminTests()
    {
        _guest = new NvmeGuest(_disk);
        _guest.Start();
    }

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Identify_describes_the_controller()
    {
        byte[] data = _guest.Identify(NvmeIdentify.Controller, 0, out _)!;
        Assert.Equal("HV-TEST-1           ", Text(data, NvmeIdentify.SerialNumber, 20));
        Assert.Equal("Hv Virtual NVMe".PadRight(40), Text(data, NvmeIdentify.ModelNumber, 40));
        Assert.Equal("build-12", Text(data, NvmeIdentify.FirmwareRevision, 8));
        Assert.Equal(7, data[NvmeIdentify.MaximumDataTransfer]);
        Assert.Equal(0x66, data[NvmeIdentify.SubmissionEntrySize]);
        Assert.Equal(0x44, data[NvmeIdentify.CompletionEntrySize]);
        Assert.Equal(2u, Word(data, NvmeIdentify.NamespaceCount));
        Assert.Equal(0x0C, data[NvmeIdentify.OptionalNvmCommands]);
        Assert.Equal(7, data[NvmeIdentify.VolatileWriteCache]);
        Assert.Equal("nqn.2014-08.org.nvmexpress:uuid:01020304-0506-0708-090a-0b0c0d0e0ff0\0", Text(data, NvmeIdentify.SubsystemName, 69));
        Assert.Equal(data, _guest.Identify(NvmeIdentify.Controller, 77, out _));
    }

    [Theory]
    [InlineData(512, 256, 5)]
    [InlineData(512, 255, 4)]
    [InlineData(4096, 1, 0)]
    [InlineData(4096, 65536, 7)]
    public void The_longest_transfer_is_what_the_disk_can_do(uint sectorSize, uint maxTransfer, byte shift)
    {
        using var guest = new NvmeGuest(new ModelDisk(1000, sectorSize, maxTransfer));
        guest.Start();
        Assert.Equal(shift, guest.Identify(NvmeIdentify.Controller, 0, out _)![NvmeIdentify.MaximumDataTransfer]);
        Assert.Equal(sectorSize == 512 ? 9 : 12, guest.Identify(NvmeIdentify.Namespace, 1, out _)![NvmeIdentify.LbaFormat0 + 2]);
    }

    [Fact]
    public void Identify_describes_namespaces()
    {
        byte[] data = _guest.Identify(NvmeIdentify.Namespace, 1, out _)!;
        Assert.Equal(10_000u, Word(data, NvmeIdentify.NamespaceSize));
        Assert.Equal(10_000u, Word(data, NvmeIdentify.NamespaceCapacity));
        Assert.Equal(NvmeGuest.Guid.ToArray(), data[NvmeIdentify.NamespaceGuid..(NvmeIdentify.NamespaceGuid + 16)]);
        Assert.Equal(9, data[NvmeIdentify.LbaFormat0 + 2]);

        Assert.All(_guest.Identify(NvmeIdentify.Namespace, 2, out _)!, value => Assert.Equal(0, value));

        byte[] list = _guest.Identify(NvmeIdentify.ActiveNamespaces, 0, out _)!;
        Assert.Equal(1u, Word(list, 0));
        Assert.Equal(0u, Word(list, 4));
        Assert.Equal(0u, Word(_guest.Identify(NvmeIdentify.ActiveNamespaces, 1, out _)!, 0));

        byte[] descriptors = _guest.Identify(NvmeIdentify.NamespaceDescriptors, 1, out _)!;
        Assert.Equal(new byte[] { 2, 16, 0, 0 }, descriptors[..4]);
        Assert.Equal(NvmeGuest.Guid.ToArray(), descriptors[4..20]);
        Assert.Equal(0, descriptors[21]);
    }

    [Theory]
    [InlineData(NvmeIdentify.Namespace, 0, NvmeStatus.InvalidNamespace)]
    [InlineData(NvmeIdentify.Namespace, 3, NvmeStatus.InvalidNamespace)]
    [InlineData(NvmeIdentify.Namespace, uint.MaxValue, NvmeStatus.InvalidNamespace)]
    [InlineData(NvmeIdentify.ActiveNamespaces, 0xFFFF_FFFE, NvmeStatus.InvalidNamespace)]
    [InlineData(NvmeIdentify.NamespaceDescriptors, 2, NvmeStatus.InvalidNamespace)]
    [InlineData(0x06, 0, NvmeStatus.InvalidField)]
    [InlineData(0x10, 0, NvmeStatus.InvalidField)]
    public void Identify_refuses_what_there_is_not(byte structure, uint namespaceId, ushort expected)
    {
        Assert.Null(_guest.Identify(structure, namespaceId, out ushort status));
        Assert.Equal(expected, status);
    }

    [Fact]
    public void Identify_may_cross_a_page()
    {
        ulong pages = _guest.TakePages(2);
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.Identify, NvmeIdentify.Controller, prp1: pages + 0xF00, prp2: pages + 0x1000));
        Assert.Equal("HV-T", Text(_guest.Memory.Bytes.Slice((int)pages + 0xF00).ToArray(), NvmeIdentify.SerialNumber, 4));
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _guest.AdminStatus(NvmeAdminOpcode.Identify, NvmeIdentify.Controller, prp1: pages + 0xF00, prp2: pages + 0x1004));
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _guest.AdminStatus(NvmeAdminOpcode.Identify, NvmeIdentify.Controller, prp1: pages + 2, prp2: pages));
        Assert.Equal(NvmeStatus.DataTransferError, _guest.AdminStatus(NvmeAdminOpcode.Identify, NvmeIdentify.Controller, prp1: 1ul << 40));
        Assert.Equal(NvmeStatus.DataTransferError, _guest.AdminStatus(NvmeAdminOpcode.Identify, NvmeIdentify.Controller, prp1: pages + 4, prp2: 1ul << 63));
    }

    [Fact]
    public void Completion_queues_are_checked()
    {
        ulong page = _guest.TakePages();
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateCompletionQueue(0, 16, page, 3));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateCompletionQueue(9, 16, page, 3));
        Assert.Equal(NvmeStatus.InvalidQueueSize, _guest.CreateCompletionQueue(1, 1, page, 3));
        Assert.Equal(NvmeStatus.InvalidQueueSize, _guest.CreateCompletionQueue(1, 1025, page, 3));
        Assert.Equal(NvmeStatus.InvalidField, _guest.CreateCompletionQueue(1, 16, page, 2));
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _guest.CreateCompletionQueue(1, 16, page + 8, 3));
        Assert.Equal(NvmeStatus.InvalidInterruptVector, _guest.CreateCompletionQueue(1, 16, page, 3 | 1 << 16));
        _guest.UseMsix();
        Assert.Equal(NvmeStatus.InvalidInterruptVector, _guest.CreateCompletionQueue(1, 16, page, 3 | 9 << 16));
        Assert.Equal(NvmeStatus.Success, _guest.CreateCompletionQueue(1, 16, page, 3 | 8 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateCompletionQueue(1, 16, page, 3));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 0));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 2));
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
    }

    [Fact]
    public void Submission_queues_are_checked()
    {
        ulong page = _guest.TakePages();
        Assert.Equal(NvmeStatus.CompletionQueueInvalid, _guest.CreateSubmissionQueue(1, 16, page, 1 | 1 << 16));
        _guest.CreateCompletionQueue(1, 16, _guest.TakePages(), 3);
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateSubmissionQueue(0, 16, page, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateSubmissionQueue(9, 16, page, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateSubmissionQueue(1, 16, page, 1));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateSubmissionQueue(1, 16, page, 1 | 9 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueSize, _guest.CreateSubmissionQueue(1, 1, page, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueSize, _guest.CreateSubmissionQueue(1, 65536, page, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.InvalidField, _guest.CreateSubmissionQueue(1, 16, page, 1 << 16));
        Assert.Equal(NvmeStatus.InvalidPrpOffset, _guest.CreateSubmissionQueue(1, 16, page + 64, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.Success, _guest.CreateSubmissionQueue(1, 16, page, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.CreateSubmissionQueue(1, 16, page, 1 | 1 << 16));
        Assert.Equal(NvmeStatus.InvalidQueueDeletion, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 0));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 9));
        Assert.Equal(NvmeStatus.InvalidQueueId, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 2));
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteSubmissionQueue, 1));
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.DeleteCompletionQueue, 1));
    }

    [Fact]
    public void Queues_need_the_right_entry_sizes()
    {
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeRegisters.ConfigEnable);
        Assert.Equal(NvmeStatus.InvalidQueueSize, _guest.CreateCompletionQueue(1, 16, _guest.TakePages(), 3));
        _guest.Write(NvmeRegisters.Configuration, 4, NvmeRegisters.ConfigEnable | 4 << 20);
        Assert.Equal(NvmeStatus.Success, _guest.CreateCompletionQueue(1, 16, _guest.TakePages(), 3));
        Assert.Equal(NvmeStatus.InvalidQueueSize, _guest.CreateSubmissionQueue(1, 16, _guest.TakePages(), 1 | 1 << 16));
    }

    [Theory]
    [InlineData(NvmeFeature.Arbitration, 0x04030201, 0x04030201)]
    [InlineData(NvmeFeature.PowerManagement, 0, 0)]
    [InlineData(NvmeFeature.TemperatureThreshold, 330, 330)]
    [InlineData(NvmeFeature.ErrorRecovery, 5, 5)]
    [InlineData(NvmeFeature.VolatileWriteCache, 0, 0)]
    [InlineData(NvmeFeature.InterruptCoalescing, 0x0102, 0x0102)]
    [InlineData(NvmeFeature.InterruptVectorConfiguration, 0x10000, 0x10000)]
    [InlineData(NvmeFeature.WriteAtomicity, 1, 1)]
    [InlineData(NvmeFeature.AsyncEventConfiguration, 0xFFFF_FFFF, 0x1FF)]
    public void Features_can_be_set_and_read_back(byte feature, uint value, uint expected)
    {
        Assert.Equal(NvmeStatus.Success, _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, feature, value));
        Assert.Equal(expected, _guest.Execute(NvmeAdminOpcode.GetFeatures, feature, 0).Result);
        Assert.Equal(NvmeStatus.FeatureNotSaveable, _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, feature | 1u << 31, value));
        Assert.Equal(NvmeStatus.InvalidField, _guest.AdminStatus(NvmeAdminOpcode.GetFeatures, feature | 1u << 8));
    }

    [Theory]
    [InlineData(0x03, 0)]
    [InlineData(0x00, 0)]
    [InlineData(0x0C, 0)]
    [InlineData(0x80, 0)]
    [InlineData(NvmeFeature.PowerManagement, 1)]
    [InlineData(NvmeFeature.TemperatureThreshold, 1 << 16)]
    [InlineData(NvmeFeature.TemperatureThreshold, 2 << 20)]
    [InlineData(NvmeFeature.InterruptVectorConfiguration, 9)]
    [InlineData(NvmeFeature.NumberOfQueues, 0xFFFF)]
    public void Bad_features_are_refused(byte feature, uint value) =>
        Assert.Equal(NvmeStatus.InvalidField, _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, feature, value));

    [Fact]
    public void The_number_of_queues_is_eight_until_queues_exist()
    {
        Assert.Equal(0x0007_0007u, _guest.Execute(NvmeAdminOpcode.SetFeatures, NvmeFeature.NumberOfQueues, 0x003F_003F).Result);
        Assert.Equal(0x0007_0007u, _guest.Execute(NvmeAdminOpcode.GetFeatures, NvmeFeature.NumberOfQueues).Result);
        _guest.CreateQueue(1);
        Assert.Equal(NvmeStatus.CommandSequenceError, _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, NvmeFeature.NumberOfQueues, 0));
    }

    [Fact]
    public void Log_pages_can_be_read_whole_in_part_and_beyond_their_end()
    {
        byte[] smart = _guest.GetLog(NvmeLogPage.Smart, 512, out _)!;
        Assert.Equal(298, BinaryPrimitives.ReadUInt16LittleEndian(smart.AsSpan(1)));
        Assert.Equal(100, smart[3]);
        Assert.Equal(smart[32..64], _guest.GetLog(NvmeLogPage.Smart, 32, out _, offset: 32));
        byte[] longer = _guest.GetLog(NvmeLogPage.FirmwareSlot, 1024, out _)!;
        Assert.Equal(1, longer[0]);
        Assert.Equal("build-12", Text(longer, 8, 8));
        Assert.All(longer[512..], value => Assert.Equal(0, value));
        Assert.Null(_guest.GetLog(NvmeLogPage.Smart, 4, out ushort status, offset: 516));
        Assert.Equal(NvmeStatus.InvalidField, status);
        Assert.Null(_guest.GetLog(0x7F, 4, out status));
        Assert.Equal(NvmeStatus.InvalidLogPage, status);
        Assert.Equal(NvmeStatus.InvalidField, _guest.AdminStatus(NvmeAdminOpcode.GetLogPage, 0xFFFF_0002, 0xFFFF, prp1: _guest.TakePages()));
    }

    [Fact]
    public void Errors_are_logged_newest_first()
    {
        _guest.AdminStatus(NvmeAdminOpcode.Identify, 0x55);
        NvmeCompletion last = _guest.Execute(NvmeAdminOpcode.KeepAlive);
        byte[] log = _guest.GetLog(NvmeLogPage.ErrorInformation, 256, out _)!;
        Assert.Equal(2u, Word(log, 0));
        Assert.Equal(last.CommandId, BinaryPrimitives.ReadUInt16LittleEndian(log.AsSpan(10)));
        Assert.Equal(NvmeStatus.InvalidOpcode << 1, BinaryPrimitives.ReadUInt16LittleEndian(log.AsSpan(12)));
        Assert.Equal(1u, Word(log, 64));
        Assert.Equal(0u, Word(log, 128));
    }

    [Theory]
    [InlineData(NvmeAdminOpcode.KeepAlive)]
    [InlineData(0x10)]
    [InlineData(0x11)]
    [InlineData(0x0D)]
    [InlineData(0x7C)]
    [InlineData(0x80)]
    [InlineData(0xBF)]
    public void Other_opcodes_are_invalid_and_not_worth_a_retry(byte opcode) =>
        Assert.Equal(NvmeStatus.InvalidOpcode | NvmeStatus.DoNotRetry, _guest.Execute(opcode).Status);

    [Fact]
    public void Fused_commands_and_scatter_gather_lists_are_refused()
    {
        NvmeCommand command = _guest.NewCommand(NvmeAdminOpcode.Identify);
        command.Dword0 |= 1 << 8;
        Assert.Equal(NvmeStatus.InvalidField | NvmeStatus.DoNotRetry, _guest.Execute(_guest.Admin, command).Status);
        command = _guest.NewCommand(NvmeAdminOpcode.Identify);
        command.Dword0 |= 1 << 14;
        Assert.Equal(NvmeStatus.InvalidField | NvmeStatus.DoNotRetry, _guest.Execute(_guest.Admin, command).Status);
    }

    [Fact]
    public void An_event_is_reported_once_until_its_log_page_has_been_read()
    {
        _guest.AdminStatus(NvmeAdminOpcode.SetFeatures, NvmeFeature.AsyncEventConfiguration, NvmeIdentify.NamespaceAttributeNotices);
        NvmeCommand first = Hold();
        NvmeCommand second = Hold();
        Assert.Equal(Hv.Kernel.Status.Ok, _guest.Controller.AttachNamespace(2, new ModelDisk(50), readOnly: true, new byte[16]));
        NvmeCompletion completion = Assert.Single(_guest.ReapAll(_guest.Admin));
        Assert.Equal(first.CommandId, completion.CommandId);
        Assert.Equal(0x0004_0002u, completion.Result);
        _guest.Controller.Pause();
        _guest.Controller.DetachNamespace(2);
        _guest.Controller.Resume();
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        Assert.Equal(2u, Word(_guest.GetLog(NvmeLogPage.ChangedNamespaces, 4096, out _, retain: true)!, 0));
        Assert.False(_guest.TryReap(_guest.Admin, out _));

        NvmeCommand read = _guest.NewCommand(NvmeAdminOpcode.GetLogPage);
        read.Prp1 = _guest.TakePages();
        read.Dword10 = NvmeLogPage.ChangedNamespaces | 3u << 16;
        _guest.Submit(_guest.Admin, read);
        var both = _guest.ReapAll(_guest.Admin);
        Assert.Equal([read.CommandId, second.CommandId], both.ConvertAll(entry => entry.CommandId));
    }

    [Fact]
    public void A_second_namespace_is_listed_and_read_only()
    {
        _guest.Controller.AttachNamespace(2, new ModelDisk(50), readOnly: true, NvmeGuest.Guid);
        byte[] list = _guest.Identify(NvmeIdentify.ActiveNamespaces, 0, out _)!;
        Assert.Equal(1u, Word(list, 0));
        Assert.Equal(2u, Word(list, 4));
        byte[] data = _guest.Identify(NvmeIdentify.Namespace, 2, out _)!;
        Assert.Equal(50u, Word(data, 0));
        Assert.Equal(1, data[NvmeIdentify.NamespaceAttributes]);
        Assert.Equal(Hv.Kernel.Status.InvalidArgument, _guest.Controller.AttachNamespace(3, _disk, false, NvmeGuest.Guid));
        Assert.Equal(Hv.Kernel.Status.InvalidArgument, _guest.Controller.AttachNamespace(0, _disk, false, NvmeGuest.Guid));
        Assert.Equal(Hv.Kernel.Status.InvalidArgument, _guest.Controller.AttachNamespace(2, new ModelDisk(50, 512, 8), false, NvmeGuest.Guid));
        Assert.Equal(Hv.Kernel.Status.InvalidArgument, _guest.Controller.DetachNamespace(1));
    }

    [Theory]
    [InlineData(0x1000 + 8 * 9, 0, 0x0001_0000)]
    [InlineData(0x1000 + 8 * 1, 0, 0x0001_0000)]
    [InlineData(0x1004 + 8 * 1, 0, 0x0001_0000)]
    [InlineData(0x1FFC, 0, 0x0001_0000)]
    [InlineData(0x1000, 32, 0x0001_0100)]
    [InlineData(0x1004, 32, 0x0001_0100)]
    [InlineData(0x1004, 5, 0x0001_0100)]
    [InlineData(0x1004, uint.MaxValue, 0x0001_0100)]
    public void Misuse_of_a_doorbell_is_an_error_event(uint doorbell, uint value, uint expected)
    {
        Hold();
        _guest.Write(doorbell, 4, value);
        Assert.Equal(expected, Assert.Single(_guest.ReapAll(_guest.Admin)).Result);
        _guest.AdminStatus(NvmeAdminOpcode.KeepAlive);
    }

    [Fact]
    public void No_more_than_four_event_requests_may_wait()
    {
        for (int i = 0; i < 4; i++)
            Hold();
        Assert.Equal(NvmeStatus.AsyncEventLimitExceeded, _guest.AdminStatus(NvmeAdminOpcode.AsyncEventRequest));
    }

    [Fact]
    public void Waiting_requests_leave_the_smallest_admin_queue_usable()
    {
        using var guest = new NvmeGuest(_disk);
        guest.Start(2);
        for (int i = 0; i < 4; i++)
        {
            guest.Submit(guest.Admin, guest.NewCommand(NvmeAdminOpcode.AsyncEventRequest));
            Assert.False(guest.TryReap(guest.Admin, out _));
        }
        guest.AdminStatus(NvmeAdminOpcode.KeepAlive);
    }

    [Fact]
    public void A_waiting_request_can_be_aborted()
    {
        NvmeCommand held = Hold();
        Assert.Equal(1u, _guest.Execute(NvmeAdminOpcode.Abort, (uint)(held.CommandId + 100) << 16).Result);
        Assert.Equal(1u, _guest.Execute(NvmeAdminOpcode.Abort, 3 | (uint)held.CommandId << 16).Result);
        NvmeCommand abort = _guest.NewCommand(NvmeAdminOpcode.Abort);
        abort.Dword10 = (uint)held.CommandId << 16;
        _guest.Submit(_guest.Admin, abort);
        var completions = _guest.ReapAll(_guest.Admin);
        Assert.Equal(2, completions.Count);
        Assert.Equal(held.CommandId, completions[0].CommandId);
        Assert.Equal(NvmeStatus.AbortRequested, completions[0].Status);
        Assert.Equal(abort.CommandId, completions[1].CommandId);
        Assert.Equal(0u, completions[1].Result);
    }

    [Fact]
    public void A_controller_reset_forgets_waiting_requests()
    {
        for (int i = 0; i < 4; i++)
            Hold();
        _guest.Write(NvmeRegisters.Configuration, 4, 0);
        _guest.Start();
        for (int i = 0; i < 4; i++)
            Hold();
    }

    private NvmeCommand Hold()
    {
        NvmeCommand command = _guest.NewCommand(NvmeAdminOpcode.AsyncEventRequest);
        _guest.Submit(_guest.Admin, command);
        Assert.False(_guest.TryReap(_guest.Admin, out _));
        return command;
    }

    private static uint Word(byte[] data, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan(offset));

    private static string Text(byte[] data, int offset, int length) => Encoding.ASCII.GetString(data, offset, length);
}
