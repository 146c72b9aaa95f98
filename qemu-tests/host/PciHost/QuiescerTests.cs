using System;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class QuiescerTests
{
    private readonly PciBusModel _bus = new();
    private readonly TickingTime _time = new() { Step = 50_000 };
    private readonly PortPciHost _host;
    private readonly RegisterMemory _memory = new();
    private readonly RegisterPorts _registerPorts;
    private readonly PciFunctionTable _table = new(16);
    private readonly EcamPciHost _extended;

    public QuiescerTests()
    {
        _registerPorts = new RegisterPorts(_memory);
        _host = new PortPciHost(_bus.Ports);
        _extended = new EcamPciHost(_bus.Window, 0, 255);
        // One tick of the models is 20 ms of this time.
        int reads = 0;
        _time.Tick = () =>
        {
            if (++reads % 400 == 0)
                _bus.Tick();
        };
        _bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));
    }

    private static PciFunctionModel Function(uint classCode = 0x028000, ushort vendor = 0x10EC)
    {
        var model = new PciFunctionModel(vendor, 0x8168, classCode);
        model.AddBar(0, 0, 0x20000, 0);
        return model;
    }

    /// <summary>What firmware and then an OS do to it after power-on.</summary>
    private Quiescer Start(params PciFunctionModel[] models) => Start(keepPowerOn: false, models);

    private Quiescer Start(bool keepPowerOn, params PciFunctionModel[] models)
    {
        foreach (PciFunctionModel model in models)
        {
            if (!keepPowerOn)
                model.PowerOnIsNow();
            model.Write(PciRegister.Bar0, 4, 0xFEB8_0000);
            model.Write(PciRegister.Command, 2, PciRegister.CommandMemory);
        }
        Assert.Equal(Status.Ok, _table.Scan(_host, false));
        var quiescer = new Quiescer(_host, _extended, _memory, _registerPorts, _time, _table, 16);
        for (int index = 0; index < _table.Count; index++)
        {
            if (!_table[index].IsBridge)
                Assert.Equal(Status.Ok, quiescer.Add(_table[index]));
        }
        foreach (PciFunctionModel model in models)
            model.Write(PciRegister.Command, 2, PciRegister.CommandMemory | PciRegister.CommandBusMaster);
        return quiescer;
    }

    private static void CheckQuiet(PciFunctionModel model)
    {
        Assert.Equal((uint)(PciRegister.CommandMemory | PciRegister.CommandIntxDisable), model.Get(PciRegister.Command, 2));
        Assert.Equal(0xFEB8_0000u, model.Get(PciRegister.Bar0, 4));
    }

    [Fact]
    public void Function_level_reset_is_the_first_choice()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        model.AddPowerManagement(0x40, noSoftReset: false);
        model.AddMsi(0x50);
        model.AddExpress(0x60, flr: true);
        model.AddMsiX(0xA0);
        Quiescer quiescer = Start(model);
        model.Write(0x52, 2, 1);
        model.Write(0xA2, 2, 0x8000);
        model.PendingTicks = 2;
        model.RetryTicksAfterFlr = 4;
        bool sawMask = false;
        model.Written = offset => sawMask |= offset == 0xA2 && model.Get(0xA2, 2) == 0xC007;
        Assert.Equal(Status.Ok, quiescer.Run());
        QuiesceReport report = quiescer.Report(0);
        Assert.Equal(ResetMethod.FunctionLevel, report.Worked);
        Assert.Equal(ResetMethod.FunctionLevel, report.Tried);
        Assert.Equal(1, model.Resets);
        Assert.False(report.WasStillPending);
        Assert.True(sawMask);
        Assert.InRange(report.Nanoseconds, 100_000_000ul, 400_000_000ul);
        Assert.Equal(new PciAddress(0, 3, 0), report.Address);
        CheckQuiet(model);
    }

    [Fact]
    public void Virtual_functions_are_turned_off_and_what_firmware_has_set_in_extended_capabilities_comes_back()
    {
        const int errors = 0x100, resizable = 0x140, virtualization = 0x160, requests = 0x1A0;
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        model.AddExpress(0x60, flr: true);
        model.AddExtended(PciExtendedCapability.ErrorReporting, errors, resizable);
        model.AddExtended(PciExtendedCapability.ResizableBar, resizable, virtualization);
        model.AddExtended(PciExtendedCapability.Virtualization, virtualization, requests);
        model.AddExtended(PciExtendedCapability.PageRequests, requests, 0);
        model.Allow(errors + PciExtendedCapability.ErrorMask, 4, uint.MaxValue);
        model.Put(resizable + PciExtendedCapability.ResizableControl, 4, 1 << PciExtendedCapability.ResizableCountShift);
        model.Allow(resizable + PciExtendedCapability.ResizableControl, 4, 0x3F00);
        model.Allow(virtualization + PciExtendedCapability.VirtualControl, 2, 0x1F);
        model.Allow(virtualization + PciExtendedCapability.VirtualBar0, 4, 0xFFFF_C000);
        model.Allow(requests + PciExtendedCapability.FirstRegister, 2, 1);
        model.Resetting = () => Assert.Equal(0u, model.Get(virtualization + PciExtendedCapability.VirtualControl, 2));
        model.PowerOnIsNow();
        model.Put(errors + PciExtendedCapability.ErrorMask, 4, 0x0010_0000);
        model.Put(resizable + PciExtendedCapability.ResizableControl, 4, 1 << PciExtendedCapability.ResizableCountShift | 0x0800);
        model.Put(virtualization + PciExtendedCapability.VirtualBar0, 4, 0xFEC0_0000);
        Quiescer quiescer = Start(keepPowerOn: true, model);
        // The OS.
        model.Write(errors + PciExtendedCapability.ErrorMask, 4, 0);
        model.Write(virtualization + PciExtendedCapability.VirtualControl, 2, PciExtendedCapability.VirtualEnable | PciExtendedCapability.VirtualMemory);
        model.Write(requests + PciExtendedCapability.FirstRegister, 2, 1);
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.True(quiescer.Report(0).HadVirtualFunctions);
        Assert.Equal(0x0010_0000u, model.Get(errors + PciExtendedCapability.ErrorMask, 4));
        Assert.Equal((uint)(1 << PciExtendedCapability.ResizableCountShift | 0x0800), model.Get(resizable + PciExtendedCapability.ResizableControl, 4));
        Assert.Equal(0xFEC0_0000u, model.Get(virtualization + PciExtendedCapability.VirtualBar0, 4));
        Assert.Equal(0u, model.Get(virtualization + PciExtendedCapability.VirtualControl, 2));
        Assert.Equal(0u, model.Get(requests + PciExtendedCapability.FirstRegister, 2));
        CheckQuiet(model);
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.False(quiescer.Report(0).HadVirtualFunctions);
    }

    [Fact]
    public void A_broken_list_of_extended_capabilities_ends_the_search()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        model.AddExpress(0x60, flr: true);
        model.AddExtended(PciExtendedCapability.LatencyTolerance, 0x100, 0x100);
        var snapshot = new PciExtendedSnapshot();
        snapshot.Save(_extended, new PciAddress(0, 3, 0));
        Assert.InRange(snapshot.Count, 1, 64);
        snapshot.Save(_extended, new PciAddress(0, 4, 0));
        Assert.Equal(0, snapshot.Count);
        // Conventional access reaches no extended space.
        snapshot.Save(_host, new PciAddress(0, 3, 0));
        Assert.Equal(0, snapshot.Count);
    }

    [Fact]
    public void Transactions_that_never_end_are_waited_for_only_so_long()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        model.AddAdvancedFeatures(0x60);
        Quiescer quiescer = Start(model);
        model.PendingTicks = 1_000_000;
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.True(quiescer.Report(0).WasStillPending);
        Assert.Equal(ResetMethod.AdvancedFeatures, quiescer.Report(0).Worked);
        CheckQuiet(model);
    }

    [Fact]
    public void A_power_cycle_is_used_where_it_resets_and_not_where_it_does_not()
    {
        PciFunctionModel soft = _bus.Add(0, 3, 0, Function());
        soft.AddPowerManagement(0x40, noSoftReset: false);
        PciFunctionModel hard = _bus.Add(0, 4, 0, Function());
        hard.AddPowerManagement(0x40, noSoftReset: true);
        Quiescer quiescer = Start(soft, hard);
        Assert.Equal(Status.Unsupported, quiescer.Run());
        Assert.Equal(ResetMethod.PowerState, quiescer.Report(0).Worked);
        Assert.Equal(Status.Ok, quiescer.Report(0).Status);
        Assert.Equal(1, soft.Resets);
        Assert.Equal(Status.Unsupported, quiescer.Report(1).Status);
        Assert.Equal(ResetMethod.None, quiescer.Report(1).Tried);
        Assert.Equal(0, hard.Resets);
        CheckQuiet(soft);
        CheckQuiet(hard);
    }

    [Fact]
    public void A_bus_is_reset_only_for_a_function_that_has_it_for_itself()
    {
        var bridge = new PciFunctionModel(0x8086, 0x244E, 0x060400, 1);
        bridge.Put(PciRegister.PrimaryBus, 2, 0x0100);
        _bus.Add(0, 1, 0, bridge);
        PciFunctionModel alone = _bus.Add(1, 0, 0, Function());
        bridge.Written = offset =>
        {
            if (offset == PciRegister.BridgeControl && (bridge.Get(offset, 2) & 0x40) != 0)
                alone.Reset();
        };
        Quiescer quiescer = Start(alone);
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.Equal(ResetMethod.SecondaryBus, quiescer.Report(0).Worked);
        Assert.Equal(1, alone.Resets);
        Assert.Equal(0u, bridge.Get(PciRegister.BridgeControl, 2));
        CheckQuiet(alone);

        _bus.Add(1, 1, 0, Function());
        _table.Scan(_host, false);
        Assert.False(_table.IsAloneOnBus(_table.Find(new PciAddress(1, 0, 0))!));
    }

    [Fact]
    public void Several_functions_wait_at_the_same_time()
    {
        var models = new PciFunctionModel[5];
        for (int index = 0; index < models.Length; index++)
        {
            models[index] = _bus.Add(0, 3 + index, 0, Function());
            models[index].AddExpress(0x60, flr: true);
        }
        Quiescer quiescer = Start(models);
        ulong begin = _time.Now;
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.InRange(_time.Now - begin, 100_000_000ul, 250_000_000ul);
        Assert.Equal(5, quiescer.Count);
    }

    [Fact]
    public void A_function_that_a_reset_kills_is_reported()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        model.AddExpress(0x60, flr: true);
        model.DiesAtFlr = true;
        Quiescer quiescer = Start(model);
        Assert.Equal(Status.NotFound, quiescer.Run());
        Assert.Equal(ResetMethod.None, quiescer.Report(0).Worked);
        // And the next time nothing answers at all.
        Assert.Equal(Status.NotFound, quiescer.Run());
        Assert.Equal(ResetMethod.None, quiescer.Report(0).Tried);
    }

    [Fact]
    public void A_sleeping_function_is_woken_first()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        model.AddPowerManagement(0x40, noSoftReset: true);
        model.AddExpress(0x60, flr: true);
        Quiescer quiescer = Start(model);
        model.Write(0x44, 2, 3);
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.Equal(8u, model.Get(0x44, 2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_network_controller_is_stopped_by_its_own_registers(bool express)
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function(0x020000, 0x8086));
        model.AddPowerManagement(0x40, noSoftReset: true);
        if (express)
            model.AddExpress(0x60, flr: false);
        Quiescer quiescer = Start(model);
        const ulong Base = 0xFEB8_0000;
        _memory.Values[Base] = 0x40;
        _memory.Values[Base + 8] = 0x80083;
        _memory.OnWrite = (address, value) =>
        {
            Assert.Equal(PciRegister.CommandMemory | PciRegister.CommandBusMaster, (int)model.Get(PciRegister.Command, 2));
            if (address == Base && (value & 4) != 0)
                _memory.Values[Base + 8] &= ~(1u << 19);
            if (address != Base || (value & 1u << 26) == 0)
                return value;
            Assert.Equal(express, (_memory.Values[Base + 8] & 1u << 19) == 0);
            return 0x40; // the reset bit clears itself
        };
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.Equal(ResetMethod.Device, quiescer.Report(0).Worked);
        Assert.Equal((Base + 0xD8, uint.MaxValue), _memory.Writes[0]);
        Assert.Equal(2, _memory.Writes.FindAll(write => write.Address == Base + 0xD8).Count);
        CheckQuiet(model);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_network_controllers_rings_are_empty_even_if_its_reset_leaves_them(bool express)
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function(0x020000, 0x8086));
        if (express)
            model.AddExpress(0x60, flr: false);
        Quiescer quiescer = Start(model);
        ulong[] rings = [0xFEB8_2800, 0xFEB8_3800, 0xFEB8_2900, 0xFEB8_3900];
        ulong[] registers = [0x00, 0x04, 0x08, 0x10, 0x18];
        foreach (ulong ring in rings)
        {
            foreach (ulong register in registers)
                _memory.Values[ring + register] = 0xA70;
        }
        _memory.OnWrite = (address, value) => address == 0xFEB8_0000 ? value & ~(1u << 26) : value;
        Assert.Equal(Status.Ok, quiescer.Run());
        for (int i = 0; i < rings.Length; i++)
        {
            foreach (ulong register in registers)
                Assert.Equal(express || i < 2 ? 0u : 0xA70u, _memory.Values[rings[i] + register]);
        }
    }

    [Fact]
    public void Registers_are_looked_for_where_boot_found_them_not_where_the_guest_put_them()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function(0x020000, 0x8086));
        Quiescer quiescer = Start(model);
        model.Write(PciRegister.Bar0, 4, 0x0010_0000);
        _memory.OnWrite = (address, value) =>
        {
            Assert.InRange(address, 0xFEB8_0000ul, 0xFEB9_FFFFul);
            return value & ~(1u << 26);
        };
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.Equal(1, quiescer.Report(0).MovedBars);
        CheckQuiet(model);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_next_OS_is_told_of_a_place_only_if_the_one_before_had_kept_to_it(bool moves)
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function());
        Quiescer quiescer = Start(model);
        if (moves)
            model.Write(PciRegister.Bar0, 4, 0xC000_0000);
        _ = quiescer.Run();
        quiescer.AnnouncePlaces();
        Assert.Equal(0xFEB8_0000u, model.Get(PciRegister.Bar0, 4));
        Assert.Equal(moves ? 1 : 0, quiescer.Report(0).MovedBars);
        Assert.Equal(moves, quiescer.Places.Find(new PciAddress(0, 3, 0).Value) == null);
    }

    [Fact]
    public void A_usb_controller_is_halted_then_reset()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function(0x0C0330));
        Quiescer quiescer = Start(model);
        const ulong Base = 0xFEB8_0000;
        _memory.Values[Base] = 0x0100_0040;
        _memory.Values[Base + 0x40] = 0x5;
        bool halted = false;
        _memory.OnWrite = (address, value) =>
        {
            Assert.Equal(Base + 0x40, address);
            if ((value & 1) == 0)
                _memory.Values[Base + 0x44] = 1;
            halted |= value == 4;
            Assert.True(halted);
            return value & ~2u;
        };
        Assert.Equal(Status.Ok, quiescer.Run());
        Assert.Equal(ResetMethod.Device, quiescer.Report(0).Worked);
        Assert.Equal(2, _memory.Writes.Count);
    }

    [Fact]
    public void A_device_that_ignores_its_reset_bit_ends_in_a_time_out()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Function(0x0C0330));
        Quiescer quiescer = Start(model);
        Assert.Equal(Status.Timeout, quiescer.Run());
        Assert.Equal(ResetMethod.Device, quiescer.Report(0).Tried);
        Assert.Equal(ResetMethod.None, quiescer.Report(0).Worked);
        CheckQuiet(model);
    }

    [Fact]
    public void A_function_that_stays_a_bus_master_is_cut_off_by_its_bridge()
    {
        var bridge = new PciFunctionModel(0x8086, 0x244E, 0x060400, 1);
        bridge.Put(PciRegister.PrimaryBus, 2, 0x0100);
        bridge.Put(PciRegister.Command, 2, 7);
        _bus.Add(0, 1, 0, bridge);
        PciFunctionModel behind = _bus.Add(1, 0, 0, Function());
        PciFunctionModel onRoot = _bus.Add(0, 2, 0, Function());
        Quiescer quiescer = Start(behind, onRoot);
        foreach (PciFunctionModel model in new[] { behind, onRoot })
            model.Written = _ => model.Put(PciRegister.Command, 2, model.Get(PciRegister.Command, 2) | PciRegister.CommandBusMaster);
        Assert.Equal(Status.Timeout, quiescer.Run());
        for (int i = 0; i < 2; i++)
        {
            bool isBehind = quiescer.Function(i).HasParent;
            Assert.Equal(isBehind, quiescer.Report(i).WasIsolated);
            Assert.Equal(isBehind ? Status.Ok : Status.Timeout, quiescer.Report(i).Status);
        }
        Assert.Equal(3u, bridge.Get(PciRegister.Command, 2));
    }

    [Fact]
    public void Bridges_are_not_quiesced()
    {
        Assert.Equal(Status.Ok, _table.Scan(_host, false));
        Assert.Equal(Status.Unsupported, new Quiescer(_host, null, _memory, _registerPorts, _time, _table, 1).Add(_table[0]));
    }

    [Fact]
    public void For_a_restart_functions_get_their_command_registers_back_unless_that_lets_an_unreset_one_write_to_memory()
    {
        PciFunctionModel reset = _bus.Add(0, 3, 0, Function()), cutOff = _bus.Add(0, 4, 0, Function());
        reset.AddExpress(0x60, flr: true);
        foreach (PciFunctionModel model in new[] { reset, cutOff })
        {
            model.PowerOnIsNow();
            model.Write(PciRegister.Command, 2, PciRegister.CommandMemory | PciRegister.CommandBusMaster);
        }
        Assert.Equal(Status.Ok, _table.Scan(_host, false));
        var quiescer = new Quiescer(_host, null, _memory, _registerPorts, _time, _table, 16);
        for (int index = 0; index < _table.Count; index++)
            _ = quiescer.Add(_table[index]);
        foreach (PciFunctionModel model in new[] { reset, cutOff })
            model.Write(PciRegister.Command, 2, PciRegister.CommandIntxDisable);
        Assert.Equal(Status.Unsupported, quiescer.Run());
        Assert.True(quiescer.RestoreCommands());
        Assert.Equal((uint)(PciRegister.CommandMemory | PciRegister.CommandBusMaster), reset.Get(PciRegister.Command, 2));
        Assert.Equal((uint)PciRegister.CommandMemory, cutOff.Get(PciRegister.Command, 2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_device_that_has_to_be_cut_off_or_does_not_obey_forbids_a_restart(bool isBehindBridge)
    {
        var bridge = new PciFunctionModel(0x8086, 0x244E, 0x060400, 1);
        bridge.Put(PciRegister.PrimaryBus, 2, 0x0100);
        _bus.Add(0, 1, 0, bridge);
        PciFunctionModel model = _bus.Add(isBehindBridge ? 1 : 0, isBehindBridge ? 0 : 2, 0, Function());
        Quiescer quiescer = Start(model);
        model.Written = _ => model.Put(PciRegister.Command, 2, model.Get(PciRegister.Command, 2) | PciRegister.CommandBusMaster);
        _ = quiescer.Run();
        Assert.False(quiescer.RestoreCommands());
    }
}
