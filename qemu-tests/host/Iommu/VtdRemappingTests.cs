using System;
using System.Linq;
using Hv.Drivers.Control;
using Hv.Drivers.Iommu;
using Hv.Drivers.Iommu.Vtd;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class VtdRemappingTests : RemappingTests, IDisposable
{
    private static readonly PciAddress s_unknown = new(9, 3, 1);

    private readonly ModelPool _pool = new(16384);
    private readonly TickingTime _time = new() { Step = 1_000_000 };
    private readonly CountingCaches _caches = new();
    private readonly PciFunctionTable _functions = new(8);

    public VtdRemappingTests()
    {
        var bus = new PciBusModel();
        bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));
        var bridge = new PciFunctionModel(0x8086, 0x244E, 0x060400, 1);
        bridge.Put(0x18, 3, 0x020200);
        bus.Add(0, 1, 0, bridge);
        bus.Add(0, 4, 0, new PciFunctionModel(0x8086, 0x2922, 0x010802));
        bus.Add(2, 0, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000));
        Assert.Equal(Status.Ok, _functions.Scan(new PortPciHost(bus.Ports), false));
    }

    public void Dispose() => _pool.Dispose();

    private VtdUnit Unit(VtdModel model) => new(model, _time, _caches);

    private Result<VtdRemapping> Start(params VtdModel[] models)
    {
        VtdUnit[] units = models.Select(Unit).ToArray();
        Status status = VtdRemapping.Check(units, Map.End);
        if (status != Status.Ok)
            return status;
        int largest = VtdRemapping.LargestPageShift(units);
        var guests = new PageTable(NestedFormat.SecondLevel, _pool, largest);
        var everything = new PageTable(NestedFormat.SecondLevel, _pool, largest);
        Assert.Equal(Status.Ok, Map.MapAll(guests));
        Assert.Equal(Status.Ok, everything.Map(0, new HostPhysical(0), Map.End, PageAccess.Write, MemoryType.WriteBack));
        return VtdRemapping.Start(units, guests, everything, _functions, _pool);
    }

    public static TheoryData<string> Variants => ["usual", "39 bits", "both widths", "no queue", "2 MiB", "4 KiB", "write buffer"];

    private static VtdModel Variant(string name)
    {
        var model = new VtdModel();
        switch (name)
        {
            case "39 bits":
                model.Capability = (model.Capability & ~(VtdRegister.Cap48Bits | 0x3Ful << 16)) | VtdRegister.Cap39Bits | 38ul << 16;
                break;
            case "both widths":
                model.Capability |= VtdRegister.Cap39Bits;
                break;
            case "no queue":
                model.Extended &= ~VtdRegister.EcapQueue;
                break;
            case "2 MiB":
                model.Capability &= ~VtdRegister.CapHugePages;
                break;
            case "4 KiB":
                model.Capability &= ~(VtdRegister.CapHugePages | VtdRegister.CapLargePages);
                break;
            case "write buffer":
                model.Capability |= VtdRegister.CapWriteBufferFlush;
                break;
        }
        return model;
    }

    [Theory, MemberData(nameof(Variants))]
    public void Devices_reach_all_memory_but_Hvs_and_each_can_be_changed(string variant)
    {
        VtdModel model = Variant(variant);
        VtdRemapping remapping = Start(model).Value;
        Assert.True(model.IsOn);
        Assert.Equal(VtdRegister.FaultMasked, model.FaultControl);
        foreach (PciAddress device in new[] { s_disk, s_card, s_unknown })
            CheckGuest(model, device);

        Assert.Equal(Status.Ok, remapping.Set(s_disk, DmaAccess.Everything));
        CheckAll(model, s_disk, reaches: true);
        CheckGuest(model, s_card);
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        CheckAll(model, s_card, reaches: false);
        CheckGuest(model, new PciAddress(2, 0, 1));
        CheckAll(model, s_disk, reaches: true);
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Guests));
        CheckGuest(model, s_card);

        Assert.Equal(variant == "no queue", model.RegisterInvalidations != 0);
        Assert.Equal(variant != "no queue", model.QueueInvalidations != 0);
        Assert.Equal(variant == "write buffer", model.BufferFlushes != 0);
    }

    [Theory, MemberData(nameof(Variants))]
    public void After_a_suspend_devices_reach_what_they_did_before(string variant)
    {
        VtdModel model = Variant(variant);
        CheckComesBack(model, Start(model).Value);
    }

    [Fact]
    public void The_queue_goes_round()
    {
        var model = new VtdModel();
        VtdRemapping remapping = Start(model).Value;
        for (int i = 0; i < 300; i++)
        {
            bool open = i % 2 != 0;
            Assert.Equal(Status.Ok, remapping.Set(s_card, open ? DmaAccess.Guests : DmaAccess.Nothing));
            Assert.Equal(open, model.Request(s_card, 0x1000, true));
        }
    }

    [Fact]
    public void Several_units_have_the_same_tables()
    {
        VtdModel first = new(), second = Variant("no queue");
        VtdRemapping remapping = Start(first, second).Value;
        Assert.Equal(2, remapping.Units);
        Assert.Equal(RemappingState.Vtd, remapping.Kind);
        Assert.True(first.Request(s_card, 0, true) && second.Request(s_card, 0, true));
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        CheckAll(first, s_card, reaches: false);
        CheckAll(second, s_card, reaches: false);
    }

    [Fact]
    public void A_device_on_a_bus_without_devices_at_boot_cannot_be_changed()
    {
        var model = new VtdModel();
        VtdRemapping remapping = Start(model).Value;
        Assert.Equal(Status.NotFound, remapping.Set(s_unknown, DmaAccess.Nothing));
        CheckGuest(model, s_unknown);
    }

    [Fact]
    public void Tables_are_written_back_for_a_unit_that_does_not_look_into_the_caches()
    {
        var model = new VtdModel();
        model.Extended &= ~VtdRegister.EcapCoherent;
        VtdRemapping remapping = Start(model).Value;
        int before = _caches.Count, invalidated = -1;
        _caches.OnWriteBack = () => invalidated = model.QueueInvalidations;
        int invalidations = model.QueueInvalidations;
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        Assert.True(_caches.Count > before);
        Assert.Equal(invalidations, invalidated);

        var coherent = new VtdModel();
        remapping = Start(coherent).Value;
        before = _caches.Count;
        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        Assert.Equal(before, _caches.Count);
    }

    [Theory]
    [InlineData(VtdRegister.Translation, 0u)]
    [InlineData(VtdRegister.InterruptRemapping, 0u)]
    [InlineData(VtdRegister.QueuedInvalidation, 0u)]
    [InlineData(0u, VtdRegister.ProtectedEnable)]
    public void A_unit_in_use_is_left_alone(uint status, uint protectedMemory)
    {
        var model = new VtdModel { Status = status, ProtectedMemory = protectedMemory };
        Assert.Equal(Status.InvalidState, Start(new VtdModel(), model).Status);
        Assert.Equal(status, model.Status);
    }

    [Fact]
    public void A_unit_that_lacks_something_is_not_used()
    {
        var none = new VtdModel { Capability = ulong.MaxValue };
        var narrow = new VtdModel { Capability = VtdModel.Usual & ~(0x3Ful << 16) | 31ul << 16 };
        var five = new VtdModel { Capability = VtdModel.Usual & ~VtdRegister.Cap48Bits | 1ul << 11 };
        VtdModel other = Variant("39 bits");
        foreach (VtdModel[] models in new[] { [none], [narrow], [five], new[] { new VtdModel(), other } })
        {
            Assert.Equal(Status.Unsupported, Start(models).Status);
            Assert.All(models, model => Assert.False(model.IsOn));
        }
    }

    [Fact]
    public void When_a_unit_does_not_start_all_are_off_after_a_bounded_wait()
    {
        foreach (VtdModel stuck in new[] { new VtdModel { IgnoresCommands = true }, new VtdModel { IgnoresQueue = true } })
        {
            var good = new VtdModel();
            ulong before = _time.Now;
            Assert.Equal(Status.Timeout, Start(good, stuck).Status);
            Assert.InRange(_time.Now - before, 0ul, 1_000_000_000ul);
            Assert.False(good.IsOn || stuck.IsOn);
            Assert.Equal(0u, good.Status & VtdRegister.QueuedInvalidation);
        }
    }

    [Fact]
    public void A_unit_that_stops_to_answer_is_reported()
    {
        var model = new VtdModel();
        VtdRemapping remapping = Start(model).Value;
        model.IgnoresQueue = true;
        Assert.Equal(Status.Timeout, remapping.Set(s_card, DmaAccess.Nothing));
    }

    [Fact]
    public void Faults_are_taken_once_oldest_first()
    {
        var model = new VtdModel();
        VtdRemapping remapping = Start(model).Value;
        remapping.CollectFaults();
        Assert.Equal(0ul, remapping.FaultCount);
        Assert.False(model.Request(s_card, HvStart + 0x1234, write: true));
        Assert.False(model.Request(s_disk, HvStart + 0x5678, write: false));
        Assert.False(model.Request(s_disk, HvStart, write: false));
        remapping.CollectFaults();
        Assert.Equal(2ul, remapping.FaultCount);
        DmaFault last = remapping.LastFault;
        Assert.Equal((s_disk.Value, HvStart + 0x5000, (byte)6, false), (last.Requester.Value, last.Address, last.Reason, last.IsWrite));

        Assert.Equal(Status.Ok, remapping.Set(s_card, DmaAccess.Nothing));
        Assert.False(model.Request(s_card, 0x7008, write: true));
        remapping.CollectFaults();
        remapping.CollectFaults();
        Assert.Equal(3ul, remapping.FaultCount);
        last = remapping.LastFault;
        Assert.Equal((s_card.Value, 0x7000ul, (byte)2, true), (last.Requester.Value, last.Address, last.Reason, last.IsWrite));
    }

    [Fact]
    public void The_registers_end_behind_the_last_one()
    {
        Assert.Equal(0x1000ul, Unit(new VtdModel()).RegisterBytes);
        Assert.Equal(0x2000ul, Unit(new VtdModel { Capability = VtdModel.Usual | 0x100ul << 24 }).RegisterBytes);
        Assert.Equal(0x4000ul, Unit(new VtdModel { Extended = 0x3FFul << 8 }).RegisterBytes);
    }

    [Fact]
    public void Without_pages_nothing_is_turned_on()
    {
        using var small = new ModelPool(3);
        var model = new VtdModel();
        var table = new PageTable(NestedFormat.SecondLevel, _pool, PageSize.HugeShift);
        Assert.Equal(Status.OutOfMemory, VtdRemapping.Start([Unit(model)], table, table, _functions, small).Status);
        Assert.False(model.IsOn);
    }
}
