using Hv.Drivers.Iommu;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class RequesterAliasTests
{
    private const int ExpressAt = 0x60;

    private readonly PciBusModel _bus = new();
    private readonly PciFunctionTable _table = new(16);

    public RequesterAliasTests() => _bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000));

    // port: the type in the PCI Express capability (PCIe 7.5.3.2), or -1 for a conventional bridge.
    private void AddBridge(int bus, int device, int secondary, int port)
    {
        var bridge = new PciFunctionModel(0x8086, 0x244E, 0x060400, 1);
        bridge.Put(PciRegister.PrimaryBus, 3, (uint)(bus | secondary << 8 | secondary << 16));
        if (port >= 0)
        {
            bridge.AddExpress(ExpressAt, flr: false);
            bridge.Put(ExpressAt + PciCapability.ExpressFlags, 2, (uint)(2 | port << 4));
        }
        _bus.Add(bus, device, 0, bridge);
    }

    private FakeRemapping Block(int bus, int device)
    {
        _bus.Add(bus, device, 0, new PciFunctionModel(0x10EC, 0x8139, 0x020000));
        var host = new PortPciHost(_bus.Ports);
        Assert.Equal(Status.Ok, _table.Scan(host, false));
        var remapping = new FakeRemapping();
        Assert.Equal(Status.Ok, remapping.Set(host, _table, _table.Find(new PciAddress(bus, device, 0))!, DmaAccess.Nothing));
        return remapping;
    }

    [Fact]
    public void On_a_root_bus_and_behind_ports_a_device_has_its_own_ID()
    {
        AddBridge(0, 1, 1, port: 4);
        AddBridge(1, 0, 2, port: 5);
        AddBridge(2, 0, 3, port: 6);
        Assert.Equal([new PciAddress(3, 0, 0).Value], Block(3, 0).Access.Keys);
    }

    [Fact]
    public void Behind_a_bridge_from_PCI_Express_to_PCI_it_may_have_the_first_one_of_the_bus()
    {
        AddBridge(0, 1, 1, port: 4);
        AddBridge(1, 0, 2, port: 7);
        Assert.Equal([new PciAddress(2, 3, 0).Value, new PciAddress(2, 0, 0).Value], Block(2, 3).Access.Keys);
    }

    [Fact]
    public void Behind_a_conventional_bridge_it_may_have_the_bridges()
    {
        AddBridge(0, 30, 1, port: -1);
        Assert.Equal([new PciAddress(1, 5, 0).Value, new PciAddress(0, 30, 0).Value], Block(1, 5).Access.Keys);
    }

    [Fact]
    public void The_bridge_nearest_to_the_root_counts()
    {
        AddBridge(0, 1, 1, port: 7);
        AddBridge(1, 4, 2, port: -1);
        Assert.Equal([new PciAddress(2, 3, 0).Value, new PciAddress(1, 0, 0).Value], Block(2, 3).Access.Keys);
    }
}
