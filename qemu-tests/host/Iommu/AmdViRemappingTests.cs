using System;
using System.Linq;
using Hv.Drivers.Control;
using Hv.Drivers.Iommu;
using Hv.Drivers.Iommu.AmdVi;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class AmdViRemappingTests : RemappingTests, IDisposable
{
    private static readonly PciAddress s_last = new(255, 31, 7);

    private readonly ModelPool _pool = new(1024);
    private readonly DiskMemory _deviceTable = new((int)AmdViDeviceTable.Pages, low: false);
    private readonly TickingTime _time = new() { Step = 1_000_000 };

    public void Dispose()
    {
        _pool.Dispose();
        _deviceTable.Dispose();
    }

    private Result<AmdViRemapping> Start(params AmdViModel[] models)
    {
        AmdViUnit[] units = models.Select(model => new AmdViUnit(model, _time, 0xF)).ToArray();
        Status status = AmdViRemapping.Check(units);
        if (status != Status.Ok)
            return status;
        var guests = new PageTable(NestedFormat.AmdVi, _pool, hugePages: true);
        var everything = new PageTable(NestedFormat.AmdVi, _pool, hugePages: true);
        Assert.Equal(Status.Ok, Map.MapAll(guests));
        Assert.Equal(Status.Ok, everything.Map(0, new HostPhysical(0), Map.End, PageAccess.Write, MemoryType.WriteBack));
        return AmdViRemapping.Start(units, guests, everything, _deviceTable.Start, _pool);
    }

    [Fact]
    public void Devices_reach_all_memory_but_Hvs_and_each_can_be_changed()
    {
        AmdViModel model = new(), other = new();
        AmdViRemapping remapping = Start(model, other).Value;
        Assert.Equal((2, RemappingState.AmdVi), (remapping.Units, remapping.Kind));
        foreach (PciAddress device in new[] { s_disk, s_card, s_last })
            CheckGuest(model, device);
        Assert.Equal(Status.Ok, remapping.Set(s_disk, DmaAccess.Everything));
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        Assert.Equal(Status.Ok, remapping.Set(s_last, DmaAccess.Nothing));
        foreach (AmdViModel each in new[] { model, other })
        {
            CheckAll(each, s_disk, reaches: true);
            CheckAll(each, s_card, reaches: false);
            CheckAll(each, s_last, reaches: false);
            CheckGuest(each, new PciAddress(2, 0, 1));
        }
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Guests));
        CheckGuest(model, s_card);
    }

    [Fact]
    public void After_a_suspend_devices_reach_what_they_did_before()
    {
        var model = new AmdViModel();
        CheckComesBack(model, Start(model).Value);
    }

    [Fact]
    public void The_firmwares_wishes_are_set()
    {
        var model = new AmdViModel();
        Assert.True(Start(model).IsOk);
        Assert.Equal(0x1F07ul, model.Control);
    }

    [Fact]
    public void Commands_and_events_go_round()
    {
        var model = new AmdViModel();
        AmdViRemapping remapping = Start(model).Value;
        for (uint i = 1; i <= 400; i++)
        {
            Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
            Assert.False(model.Request(s_card, 0x1000 * i, write: true));
            Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Guests));
            remapping.CollectFaults();
            Assert.Equal(i, remapping.FaultCount);
            DmaFault last = remapping.LastFault;
            Assert.Equal((s_card.Value, 0x1000ul * i, (byte)2, true), (last.Requester.Value, last.Address, last.Reason, last.IsWrite));
        }
    }

    [Fact]
    public void A_log_that_was_full_goes_on()
    {
        var model = new AmdViModel();
        AmdViRemapping remapping = Start(model).Value;
        for (int i = 0; i < 300; i++)
            Assert.False(model.Request(s_card, HvStart, write: false));
        remapping.CollectFaults();
        Assert.Equal(255ul, remapping.FaultCount);
        Assert.False(remapping.LastFault.IsWrite);
        Assert.False(model.Request(s_card, HvStart, write: false));
        remapping.CollectFaults();
        Assert.Equal(256ul, remapping.FaultCount);
    }

    [Fact]
    public void A_unit_in_use_or_without_what_is_needed_is_left_alone()
    {
        Assert.Equal(Status.InvalidState, Start(new AmdViModel { Control = AmdViRegister.Enabled }).Status);
        Assert.Equal(Status.Unsupported, Start(new AmdViModel { Features = 0 }).Status);
        Assert.Equal(Status.Unsupported, Start(new AmdViModel(), new AmdViModel { Features = ulong.MaxValue }).Status);
    }

    [Fact]
    public void When_a_unit_does_not_start_all_are_off_after_a_bounded_wait()
    {
        AmdViModel good = new(), stuck = new() { IgnoresCommands = true };
        Assert.Equal(Status.Timeout, Start(good, stuck).Status);
        Assert.False(good.IsOn || stuck.IsOn);
        Assert.InRange(_time.Now, 0ul, 1_000_000_000ul);
    }

    [Fact]
    public void A_unit_that_stops_to_answer_is_reported()
    {
        var model = new AmdViModel();
        AmdViRemapping remapping = Start(model).Value;
        model.IgnoresCommands = true;
        Assert.Equal(Status.Timeout, remapping.Set(s_card, DmaAccess.Nothing));
    }
}
