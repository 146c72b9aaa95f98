using System;
using System.Collections.Generic;
using System.Linq;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

/// <summary>Each kind of device against a small model of its registers: how a real one would react to what is written.</summary>
public sealed class DeviceStopTests
{
    private const uint Base = 0xC000;

    private readonly PciBusModel _bus = new();
    private readonly TickingTime _time = new() { Step = 50_000 };
    private readonly RegisterMemory _registers = new();

    private PciFunctionModel Model(uint classCode, uint id, int bar, bool ports)
    {
        var model = new PciFunctionModel((ushort)(id >> 16), (ushort)id, classCode);
        model.AddBar(bar, ports ? PciRegister.BarIo : 0, ports ? 256u : 4096u, Base);
        model.Put(PciRegister.Command, 2, PciRegister.CommandIo | PciRegister.CommandMemory | PciRegister.CommandBusMaster);
        return _bus.Add(0, 3, 0, model);
    }

    private Status Stop()
    {
        var host = new PortPciHost(_bus.Ports);
        var function = new PciFunctionInfo();
        function.Read(host, new PciAddress(0, 3, 0), new PciAddress(0, 3, 0), sizeBars: false);
        StopPlan? plan = StopPlan.For(host, function);
        Assert.NotNull(plan);
        PciBaseAddress bar = function.Bars[plan.BarIndex];
        Assert.Equal(Base, bar.Address);
        var stop = new DeviceStop(plan, _registers, new RegisterPorts(_registers), _time);
        stop.Begin(bar.Kind == PciBaseAddressKind.Io, bar.Address);
        Status status;
        int steps = 0;
        do
            status = stop.Step();
        while (status == Status.Pending && ++steps < 1_000_000);
        return status;
    }

    private uint this[uint register]
    {
        get => _registers.Values.GetValueOrDefault(Base + register);
        set => _registers.Values[Base + register] = value;
    }

    /// <summary>How registers react to writes, by offset.</summary>
    private void React(params (uint Register, Func<uint, uint> Reaction)[] reactions) =>
        _registers.OnWrite = (address, value) => reactions.FirstOrDefault(reaction => Base + reaction.Register == address).Reaction?.Invoke(value) ?? value;

    private int WriteOf(uint register, uint value) => _registers.Writes.IndexOf((Base + register, value));

    [Fact]
    public void Uhci_is_halted_then_reset()
    {
        Model(0x0C0300, 0x8086_7020, 4, ports: true);
        this[0] = 0xC1; // run, configured, 64 byte packets
        this[4] = 0xF;
        bool wasHalted = false;
        React((0, value =>
        {
            if ((value & 1) == 0)
                this[2] = 0x20;
            wasHalted |= value == 2 && this[2] == 0x20;
            return value & ~2u;
        }));
        Assert.Equal(Status.Ok, Stop());
        Assert.True(wasHalted);
        Assert.Equal(0u, this[4]);
        Assert.Equal(0u, this[0]);
    }

    [Fact]
    public void Ohci_fetches_no_list_any_more_before_it_is_reset()
    {
        Model(0x0C0310, 0x106B_003F, 0, ports: false);
        this[4] = 0xBE;
        bool wasOff = false;
        React((8, value =>
        {
            wasOff |= value == 1 && this[4] == 0;
            this[4] = 0xC0; // UsbSuspend
            return 0;
        }));
        Assert.Equal(Status.Ok, Stop());
        Assert.True(wasOff);
        Assert.Equal(0u, this[4]);
        Assert.True(WriteOf(0x14, uint.MaxValue) >= 0);
    }

    [Fact]
    public void Ehci_registers_begin_behind_its_capabilities()
    {
        Model(0x0C0320, 0x8086_24CD, 0, ports: false);
        this[0] = 0x0100_0020;
        this[0x20] = 0x10021; // run, asynchronous schedule
        React((0x20, value =>
        {
            if ((value & 1) == 0)
                this[0x24] = 0x1000;
            return value & ~2u;
        }));
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal(0x10020u, this[0x20]);
        Assert.True(WriteOf(0x20, 0x10022) > WriteOf(0x20, 0x10020));
    }

    [Fact]
    public void An_sd_host_is_reset_with_its_interrupts_off()
    {
        Model(0x080501, 0x1B36_0007, 0, ports: false);
        this[0x38] = 0xFF;
        int ticks = 0;
        _time.Tick = () =>
        {
            if (++ticks == 20)
                this[0x2F] = 0;
        };
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal(0u, this[0x38]);
        Assert.True(WriteOf(0x38, 0) < WriteOf(0x2F, 1));
    }

    [Fact]
    public void Nvme_is_waited_for_as_long_as_it_asks()
    {
        Model(0x010802, 0x1B36_0010, 0, ports: false);
        this[0] = 0x0200_0000; // 1.5 s
        this[0x14] = 0x46_0001;
        this[0x1C] = 1;
        ulong before = _time.Now;
        Assert.Equal(Status.Timeout, Stop());
        Assert.InRange(_time.Now - before, 1_500_000_000ul, 1_600_000_000ul);
        Assert.Equal(0x46_0000u, this[0x14]);
        this[0x1C] = 0;
        Assert.Equal(Status.Ok, Stop());
    }

    [Fact]
    public void Ahci_is_reset_as_a_whole()
    {
        Model(0x010601, 0x8086_2922, 5, ports: false);
        this[4] = 0x8000_0002;
        React((4, value => value & ~1u));
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal(0x8000_0000u, this[4]);
        Assert.True(WriteOf(4, 0x8000_0001) > WriteOf(4, 0x8000_0000));
    }

    [Fact]
    public void Ide_stops_its_bus_masters_and_is_not_called_reset()
    {
        Model(0x010180, 0x8086_7010, 4, ports: true);
        this[0] = 9;
        this[8] = 1;
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal(8u, this[0]);
        Assert.Equal(0u, this[8]);
        var host = new PortPciHost(_bus.Ports);
        var function = new PciFunctionInfo();
        function.Read(host, new PciAddress(0, 3, 0), new PciAddress(0, 3, 0), sizeBars: false);
        Assert.False(StopPlan.For(host, function)!.Resets);
    }

    [Fact]
    public void Sound_streams_and_rings_stop_before_the_reset()
    {
        Model(0x040300, 0x8086_2668, 0, ports: false);
        this[0x08] = 0x101;
        this[0x20] = 0xC000_0001;
        this[0x80] = 0x1E;
        this[0x120] = 0x02;
        this[0x4C] = 2;
        this[0x5C] = 2;
        this[0x70] = 0x1001;
        React((0x08, value =>
        {
            Assert.Equal([0u, 0x1Cu, 0u, 0u, 0u, 0x1000u], new uint[] { 0x20, 0x80, 0x120, 0x4C, 0x5C, 0x70 }.Select(register => this[register]));
            return value;
        }));
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal(0x100u, this[0x08]);
    }

    [Fact]
    public void The_old_sound_controller_resets_its_three_channels()
    {
        Model(0x040100, 0x8086_2415, 1, ports: true);
        foreach (uint register in new uint[] { 0x0B, 0x1B, 0x2B })
            this[register] = 0x1D;
        React((0x0B, value => value & ~2u), (0x1B, value => value & ~2u), (0x2B, value => value & ~2u));
        Assert.Equal(Status.Ok, Stop());
        foreach (uint register in new uint[] { 0x0B, 0x1B, 0x2B })
            Assert.True(WriteOf(register, 0) < WriteOf(register, 2) && WriteOf(register, 0) >= 0);
    }

    [Theory]
    [InlineData(0x020000, 0x10EC_8139, 0, true, 0x37, 0x10, 0x10)]
    [InlineData(0x020000, 0x10EC_8168, 0, true, 0x37, 0x10, 0x10)]
    [InlineData(0x020000, 0x8086_100E, 0, false, 0, 1 << 26, 1 << 26)]
    [InlineData(0x010400, 0x1AF4_1001, 0, true, 18, 0, 0xFF)]
    public void A_device_that_resets_is_waited_for_and_one_that_does_not_is_given_up(uint code, uint id, int bar, bool ports, uint register, uint reset, uint busy)
    {
        Model(code, id, bar, ports);
        ulong begin = _time.Now;
        // It keeps showing that it is busy.
        React((register, _ => busy));
        Assert.Equal(Status.Timeout, Stop());
        Assert.InRange(_time.Now - begin, 50_000_000ul, 1_100_000_000ul);
        Assert.True(_registers.Writes.Exists(write => write.Address == Base + register && (write.Value & busy) == reset));
        React((register, _ => 0));
        this[register] = 0;
        Assert.Equal(Status.Ok, Stop());
    }

    [Theory]
    [InlineData(0x020000, 0x8086_1209, 0, false, new uint[] { 0x08, 2, 0x08, 0, 0x03, 1 })]
    [InlineData(0x020000, 0x1011_0019, 1, false, new uint[] { 0x38, 0, 0x00, 1, 0x00, 0 })]
    [InlineData(0x020000, 0x15AD_07B0, 1, false, new uint[] { 0x20, 0xCAFE_0001, 0x20, 0xCAFE_0002 })]
    [InlineData(0x020000, 0x10EC_8029, 0, true, new uint[] { 0x1F, 0, 0x00, 0x21 })]
    [InlineData(0x010000, 0x1000_0012, 1, false, new uint[] { 0x14, 0x40, 0x14, 0 })]
    [InlineData(0x010000, 0x15AD_07C0, 0, false, new uint[] { 0x00, 1 })]
    [InlineData(0x010000, 0x1022_2020, 0, true, new uint[] { 0x40, 0, 0x0C, 2, 0x0C, 0 })]
    [InlineData(0x040100, 0x1274_5000, 0, true, new uint[] { 0x20, 0, 0x00, 0 })]
    public void Devices_without_an_answer_get_their_commands_in_order(uint code, uint id, int bar, bool ports, uint[] expected)
    {
        Model(code, id, bar, ports);
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal(expected.Chunk(2).Select(pair => ((ulong)(Base + pair[0]), pair[1])), _registers.Writes);
    }

    [Fact]
    public void Pcnet_is_reset_by_reading()
    {
        Model(0x020000, 0x1022_2000, 0, ports: true);
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal([Base + 0x18ul, Base + 0x14ul], _registers.Reads);
        Assert.Empty(_registers.Writes);
    }

    [Theory]
    [InlineData(0x1000_0054, 1, 0x00u, 0x4000_0000u, 0x00u, 0x1000_0000u)]
    [InlineData(0x1000_0060, 0, 0x20u, 7u, 0xB0u, 0xB000_0000u)]
    public void Firmware_of_a_controller_is_waited_for_until_it_is_ready(uint id, int bar, uint doorbell, uint command, uint state, uint ready)
    {
        Model(0x010000, id, bar, ports: false);
        this[state] = 0x2000_0000;
        Assert.Equal(Status.Timeout, Stop());
        Assert.True(WriteOf(doorbell, command) > WriteOf(0x34, _registers.Writes[0].Value));
        React((doorbell, value =>
        {
            this[state] = ready;
            return doorbell == state ? ready : value;
        }));
        Assert.Equal(Status.Ok, Stop());
    }

    [Fact]
    public void Virtio_is_reset_where_its_capability_says()
    {
        PciFunctionModel model = Model(0x020000, 0x1AF4_1041, 4, ports: false);
        int other = model.AddCapability(9, 0x50);
        model.Put(other + 2, 2, 0x0510);
        int common = model.AddCapability(9, 0x60);
        model.Put(common + 2, 2, 0x0110);
        model.Put(common + 4, 1, 4);
        model.Put(common + 8, 4, 0x100);
        this[0x114] = 0x0F;
        Assert.Equal(Status.Ok, Stop());
        Assert.Equal([(Base + 0x114ul, 0u)], _registers.Writes);
    }

    [Fact]
    public void A_virtio_capability_that_leads_out_of_reach_is_not_followed()
    {
        PciFunctionModel model = Model(0x020000, 0x1AF4_1041, 4, ports: false);
        int common = model.AddCapability(9, 0x60);
        model.Put(common + 2, 2, 0x0110);
        model.Put(common + 4, 1, 4);
        model.Put(common + 8, 4, 0xFFFF_F000);
        var host = new PortPciHost(_bus.Ports);
        var function = new PciFunctionInfo();
        function.Read(host, new PciAddress(0, 3, 0), new PciAddress(0, 3, 0), sizeBars: false);
        Assert.Null(StopPlan.For(host, function));
        model.Put(common + 8, 4, 0);
        model.Put(common + 4, 1, 6);
        Assert.Null(StopPlan.For(host, function));
    }

    [Fact]
    public void Registers_that_are_gone_end_the_stop_at_once()
    {
        Model(0x010601, 0x8086_2922, 5, ports: false);
        this[4] = uint.MaxValue;
        React((4, _ => uint.MaxValue));
        Assert.Equal(Status.NotFound, Stop());
    }
}
