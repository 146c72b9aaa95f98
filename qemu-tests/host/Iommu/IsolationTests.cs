using System;
using Hv.Drivers.Iommu;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

/// <summary>What becomes of functions that will not quiet, with a remapping unit and without.</summary>
public sealed class IsolationTests
{
    private static readonly PciAddress s_first = new(0, 3, 0), s_second = new(0, 4, 0);

    private readonly PciBusModel _bus = new();
    private readonly TickingTime _time = new() { Step = 50_000 };
    private readonly RegisterMemory _memory = new();
    private readonly PciFunctionTable _table = new(16);
    private readonly FakeRemapping _remapping = new();
    private readonly PciFunctionModel _one, _two;
    private readonly Quiescer _quiescer;
    private Action? _meanwhile;

    public IsolationTests()
    {
        // One tick of the models is 20 ms of this time.
        int reads = 0;
        _time.Tick = () =>
        {
            _meanwhile?.Invoke();
            if (++reads % 400 == 0)
                _bus.Tick();
        };
        _bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));
        _one = _bus.Add(s_first.Bus, s_first.Device, 0, new PciFunctionModel(0x1234, 0x11E8, 0xFF0000));
        _two = _bus.Add(s_second.Bus, s_second.Device, 0, new PciFunctionModel(0x10EC, 0x8168, 0x028000));
        _two.AddExpress(0x60, flr: true);
        _one.PowerOnIsNow();
        _two.PowerOnIsNow();
        var host = new PortPciHost(_bus.Ports);
        Assert.Equal(Status.Ok, _table.Scan(host, false));
        _quiescer = new Quiescer(host, null, _memory, new RegisterPorts(_memory), _time, _table, 4) { Remapping = _remapping };
        Assert.Equal(Status.Ok, _quiescer.Add(_table.Find(s_first)!));
        Assert.Equal(Status.Ok, _quiescer.Add(_table.Find(s_second)!));
        BecomeMaster(_one);
        BecomeMaster(_two);
    }

    private static void BecomeMaster(PciFunctionModel model) =>
        model.Put(PciRegister.Command, 2, model.Get(PciRegister.Command, 2) | PciRegister.CommandBusMaster);

    [Fact]
    public void Functions_that_are_quiet_keep_their_memory()
    {
        _ = _quiescer.Run();
        Assert.Empty(_remapping.Access);
        Assert.Equal(1, _remapping.Collections);
        Assert.False(_quiescer.Report(0).WasIsolated || _quiescer.Report(1).WasIsolated);
    }

    [Fact]
    public void One_that_becomes_a_bus_master_again_while_others_are_waited_for_is_blocked_until_it_is_quiet()
    {
        // The second function's reset takes 100 ms, the first has long finished then.
        _meanwhile = () =>
        {
            if (_quiescer.Report(0).Status != Status.Pending)
                BecomeMaster(_one);
        };
        Assert.Equal(Status.Timeout, _quiescer.Run());
        Assert.Equal(DmaAccess.Nothing, Assert.Single(_remapping.Access).Value);
        Assert.True(_remapping.Access.ContainsKey(s_first.Value));
        Assert.Equal((Status.Timeout, true, true), (_quiescer.Report(0).Status, _quiescer.Report(0).WasIsolated, _quiescer.Report(0).IsBlocked));
        Assert.False(_quiescer.Report(1).WasIsolated);

        _meanwhile = null;
        _ = _quiescer.Run();
        Assert.Equal(DmaAccess.Guests, _remapping.Access[s_first.Value]);
        Assert.False(_quiescer.Report(0).WasIsolated || _quiescer.Report(0).IsBlocked);
    }

    [Fact]
    public void One_whose_bus_master_bit_sticks_is_blocked()
    {
        _one.Written = _ => BecomeMaster(_one);
        Assert.Equal(Status.Timeout, _quiescer.Run());
        Assert.True(_quiescer.Report(0).IsBlocked);
        Assert.Equal(DmaAccess.Nothing, _remapping.Access[s_first.Value]);
    }

    [Fact]
    public void One_that_does_not_come_back_from_its_reset_is_blocked()
    {
        _two.DiesAtFlr = true;
        _ = _quiescer.Run();
        Assert.Equal(Status.NotFound, _quiescer.Report(1).Status);
        Assert.Equal(DmaAccess.Nothing, _remapping.Access[s_second.Value]);
        Assert.True(_quiescer.Report(1).IsBlocked);
    }

    [Fact]
    public void One_that_is_gone_is_not_blocked()
    {
        _bus.Functions.Remove(s_first.Value);
        _ = _quiescer.Run();
        Assert.Equal(Status.NotFound, _quiescer.Report(0).Status);
        Assert.Empty(_remapping.Access);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_a_unit_that_works_it_is_reported_as_not_isolated(bool hasUnit)
    {
        _remapping.Answer = Status.Timeout;
        if (!hasUnit)
            _quiescer.Remapping = null;
        _one.Written = _ => BecomeMaster(_one);
        Assert.Equal(Status.Timeout, _quiescer.Run());
        Assert.Equal(Status.Timeout, _quiescer.Report(0).Status);
        Assert.False(_quiescer.Report(0).WasIsolated || _quiescer.Report(0).IsBlocked);
    }
}
