using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Quiesce;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class UnknownFunctionsTests
{
    private const ushort InUse = PciRegister.CommandMemory | PciRegister.CommandBusMaster;

    private readonly PciBusModel _bus = new();

    [Fact]
    public void What_was_plugged_in_after_boot_is_cut_off_and_nothing_else()
    {
        _bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));
        var port = new PciFunctionModel(0x8086, 0x3420, 0x060400, 1);
        port.Put(PciRegister.PrimaryBus, 3, 0x010100);
        _bus.Add(0, 2, 0, port);
        PciFunctionModel known = _bus.Add(0, 3, 0, new PciFunctionModel(0x8086, 0x10D3, 0x020000, 0x80));
        var host = new PortPciHost(_bus.Ports);
        var table = new PciFunctionTable(16);
        Assert.Equal(Status.Ok, table.Scan(host, false));
        var unknown = new UnknownFunctions(host, table);

        PciFunctionModel sibling = _bus.Add(0, 3, 1, new PciFunctionModel(0x8086, 0x10D3, 0x020000));
        PciFunctionModel plugged = _bus.Add(1, 0, 0, new PciFunctionModel(0x1B36, 0x0010, 0x010802));
        plugged.AddMsi(0x50);
        plugged.AddMsiX(0xA0);
        plugged.Write(0x52, 2, 1);
        plugged.Write(0xA2, 2, 0x8000);
        PciFunctionModel bridge = _bus.Add(1, 1, 0, new PciFunctionModel(0x8086, 0x3420, 0x060400, 1));
        foreach (PciFunctionModel model in new[] { known, port, sibling, plugged, bridge })
            model.Write(PciRegister.Command, 2, InUse);

        Assert.Equal(2, unknown.CutOff());
        foreach (PciFunctionModel model in new[] { sibling, plugged })
            Assert.Equal((uint)(PciRegister.CommandMemory | PciRegister.CommandIntxDisable), model.Get(PciRegister.Command, 2));
        Assert.Equal(0u, plugged.Get(0x52, 2) & 1);
        Assert.Equal(0u, plugged.Get(0xA2, 2) & 0x8000);
        foreach (PciFunctionModel model in new[] { known, port, bridge })
            Assert.Equal(InUse, model.Get(PciRegister.Command, 2));
    }
}
