using System;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class PciHostTests
{
    private readonly PciBusModel _bus = new();
    private readonly PortPciHost _host;

    public PciHostTests() => _host = new PortPciHost(_bus.Ports);

    private static PciFunctionModel Endpoint(ushort device = 0x1234) => new(0x1AF4, device, 0x020000);

    private static PciFunctionModel Bridge(byte primary, byte secondary)
    {
        var bridge = new PciFunctionModel(0x8086, 0x244E, 0x060400, 1);
        bridge.Put(PciRegister.PrimaryBus, 2, (uint)(secondary << 8 | primary));
        return bridge;
    }

    private static PciFunctionModel HostBridge() => new(0x8086, 0x1237, 0x060000);

    [Fact]
    public void Ports_reach_every_width_and_leave_the_address_register_as_it_was()
    {
        PciFunctionModel model = _bus.Add(3, 31, 7, Endpoint());
        PciAddress address = new(3, 31, 7);
        _bus.Ports.Address = 0x8000_1234;
        Assert.Equal(0x1234_1AF4u, _host.Read32(address, 0));
        Assert.Equal(0x1234, _host.Read16(address, 2));
        Assert.Equal(0x02, _host.Read8(address, 11));
        _host.Write8(address, PciRegister.InterruptLine, 11);
        _host.Write16(address, PciRegister.Command, 0x0103);
        Assert.Equal(11u, model.Get(PciRegister.InterruptLine, 1));
        Assert.Equal(0x0103u, model.Get(PciRegister.Command, 2));
        Assert.Equal(0x8000_1234u, _bus.Ports.Address);
        Assert.Equal(0xFFFFu, _host.Read(address, 256, 2));
        Assert.Equal(0xFFFFFFFFu, _host.Read(new PciAddress(3, 31, 6), 0, 4));
    }

    [Fact]
    public void Ecam_reaches_its_buses_only()
    {
        _bus.Add(0x40, 1, 2, Endpoint(0xAAAA));
        PciFunctionModel last = _bus.Add(0x41, 0, 0, Endpoint(0xBBBB));
        _bus.Add(0x42, 0, 0, Endpoint(0xCCCC));
        _bus.Add(0x3F, 0, 0, Endpoint(0xDDDD));
        _bus.Window.FirstBus = 0x40;
        var host = new EcamPciHost(_bus.Window, 0x40, 0x41);
        Assert.Equal(0xAAAA, host.Read16(new PciAddress(0x40, 1, 2), 2));
        Assert.Equal(0xBBBB, host.Read16(new PciAddress(0x41, 0, 0), 2));
        Assert.False(host.IsPresent(new PciAddress(0x42, 0, 0)));
        Assert.False(host.IsPresent(new PciAddress(0x3F, 0, 0)));
        last.Writable[0xFFF] = 0xFF;
        host.Write8(new PciAddress(0x41, 0, 0), 0xFFF, 0x5A);
        Assert.Equal(0x5A, last.Config[0xFFF]);
        Assert.Equal(0xFFu, host.Read(new PciAddress(0x41, 0, 0), 0x1000, 1));
    }

    [Fact]
    public void Enumeration_finds_what_is_behind_bridges_and_who_is_above()
    {
        _bus.Add(0, 0, 0, HostBridge());
        _bus.Add(0, 1, 0, Bridge(0, 1));
        _bus.Add(1, 0, 0, Bridge(1, 2));
        _bus.Add(2, 5, 0, Endpoint());
        _bus.Add(0, 31, 0, new PciFunctionModel(0x8086, 0x2918, 0x060100, 0x80));
        _bus.Add(0, 31, 2, new PciFunctionModel(0x8086, 0x2922, 0x010601));
        // Function 3 of a device that has one function only: an alias that must not be seen.
        _bus.Add(0, 4, 0, Endpoint());
        _bus.Add(0, 4, 3, Endpoint());

        var table = new PciFunctionTable(16);
        Assert.Equal(Status.Ok, table.Scan(_host, sizeBars: false));
        Assert.Equal(7, table.Count);
        Assert.Null(table.Find(new PciAddress(0, 4, 3)));
        PciFunctionInfo leaf = table.Find(new PciAddress(2, 5, 0))!;
        Assert.Equal(new PciAddress(1, 0, 0), leaf.Parent);
        Assert.True(leaf.HasParent && table.IsAloneOnBus(leaf));
        PciFunctionInfo disk = table.FindClass(0x010601, 0)!;
        Assert.Equal(new PciAddress(0, 31, 2), disk.Address);
        Assert.False(disk.HasParent || disk.IsBridge || table.IsAloneOnBus(disk));
        Assert.Null(table.FindClass(0x010601, 1));
        Assert.True(table.Find(new PciAddress(0, 31, 0))!.IsBridge);
    }

    [Fact]
    public void Enumeration_ends_on_broken_bus_numbers_and_full_tables()
    {
        _bus.Add(0, 0, 0, HostBridge());
        _bus.Add(0, 1, 0, Bridge(0, 0));
        _bus.Add(0, 2, 0, Bridge(0, 1));
        _bus.Add(1, 0, 0, Bridge(1, 1));
        _bus.Add(1, 1, 0, Bridge(1, 0));
        var table = new PciFunctionTable(16);
        Assert.Equal(Status.Ok, table.Scan(_host, false));
        Assert.Equal(5, table.Count);
        Assert.Equal(Status.OutOfMemory, new PciFunctionTable(3).Scan(_host, false));
        Assert.Equal(Status.NotFound, new PciFunctionTable(3).Scan(new PortPciHost(new PciBusModel().Ports), false));
    }

    [Fact]
    public void Several_host_bridges_mean_several_root_buses()
    {
        _bus.Add(0, 0, 0, new PciFunctionModel(0x8086, 0x1237, 0x060000, 0x80));
        _bus.Add(0, 0, 1, HostBridge());
        _bus.Add(1, 3, 0, Endpoint());
        var table = new PciFunctionTable(16);
        Assert.Equal(Status.Ok, table.Scan(_host, false));
        Assert.False(table.Find(new PciAddress(1, 3, 0))!.HasParent);
    }

    [Fact]
    public void Bars_are_sized_with_decoding_off_and_restored()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Endpoint());
        model.AddBar(0, 0, 0x20000, 0xFEB8_0000);
        model.AddBar(1, PciRegister.BarIo, 64, 0xC040);
        model.AddBar(2, PciRegister.BarWide | PciRegister.BarPrefetchable, 1ul << 33, 0x38_0000_0000);
        model.AddBar(4, PciRegister.BarWide, 0x4000, 0);
        model.Put(PciRegister.Command, 2, 0x0107);
        byte[] before = (byte[])model.Config.Clone();
        bool probed = false;
        model.Written = offset =>
        {
            if (offset is >= PciRegister.Bar0 and < 0x28)
            {
                probed = true;
                Assert.Equal(0u, model.Get(PciRegister.Command, 2) & 3);
            }
        };
        var info = new PciFunctionInfo();
        info.Read(_host, new PciAddress(0, 3, 0), new PciAddress(0, 3, 0), sizeBars: true);
        Assert.True(probed);
        Assert.Equal(before, model.Config);
        CheckBar(info.Bars[0], PciBaseAddressKind.Memory32, 0xFEB8_0000, 0x20000);
        CheckBar(info.Bars[1], PciBaseAddressKind.Io, 0xC040, 64);
        CheckBar(info.Bars[2], PciBaseAddressKind.Memory64, 0x38_0000_0000, 1ul << 33);
        Assert.True(info.Bars[2].IsPrefetchable);
        CheckBar(info.Bars[3], PciBaseAddressKind.None, 0, 0);
        CheckBar(info.Bars[4], PciBaseAddressKind.Memory64, 0, 0x4000);
        CheckBar(info.Bars[5], PciBaseAddressKind.None, 0, 0);
    }

    private static void CheckBar(PciBaseAddress bar, PciBaseAddressKind kind, ulong address, ulong size)
    {
        Assert.Equal(kind, bar.Kind);
        Assert.Equal(address, bar.Address);
        Assert.Equal(size, bar.Size);
    }

    [Fact]
    public void A_host_bridge_is_never_sized()
    {
        PciFunctionModel model = _bus.Add(0, 0, 0, HostBridge());
        model.AddBar(0, 0, 0x1000_0000, 0xE000_0000);
        model.Written = _ => Assert.Fail("written to");
        var info = new PciFunctionInfo();
        info.Read(_host, new PciAddress(0, 0, 0), new PciAddress(0, 0, 0), sizeBars: true);
        Assert.Equal(0xE000_0000ul, info.Bars[0].Address);
    }

    [Fact]
    public void Capabilities_are_found_and_a_loop_ends()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Endpoint());
        model.AddPowerManagement(0x40, noSoftReset: false);
        model.AddMsi(0x50);
        model.AddExpress(0x60, flr: true);
        model.AddMsiX(0xA0);
        model.AddAdvancedFeatures(0xB0);
        var info = new PciFunctionInfo();
        PciAddress address = new(0, 3, 0);
        info.Read(_host, address, address, sizeBars: false);
        Assert.Equal(0x40, info.PowerManagement);
        Assert.Equal(0x50, info.Msi);
        Assert.Equal(0x60, info.PciExpress);
        Assert.Equal(0xA0, info.MsiX);
        Assert.Equal(0xB0, info.AdvancedFeatures);
        Assert.True(info.HasFlr && info.HasAfFlr);
        model.Config[0xB1] = 0x50;
        Assert.Equal(0, _host.FindCapability(address, 0x77));
        model.Config[0xB1] = 0x10;
        Assert.Equal(0, _host.FindCapability(address, 0x77));
    }

    [Fact]
    public void A_snapshot_brings_a_reset_function_back_and_starts_nothing()
    {
        PciFunctionModel model = _bus.Add(0, 3, 0, Endpoint());
        model.AddBar(0, 0, 0x20000, 0);
        model.AddPowerManagement(0x40, noSoftReset: false);
        model.AddMsi(0x50);
        model.AddExpress(0x60, flr: true);
        model.AddMsiX(0xA0);
        model.AddCapability(0x09, 0xC0);
        model.Allow(0xC4, 4, 0xFFFFFFFF);
        model.PowerOnIsNow();
        PciAddress address = new(0, 3, 0);
        _host.Write32(address, PciRegister.Bar0, 0xFEB8_0000);
        _host.Write16(address, PciRegister.Command, 0x0107);
        _host.Write8(address, PciRegister.InterruptLine, 10);
        _host.Write32(address, 0x54, 0xFEE0_1000);
        _host.Write16(address, 0x5C, 0x41);
        _host.Write16(address, 0x52, 1);
        _host.Write16(address, 0x68, 0x2810);
        _host.Write32(address, 0xC4, 0x12345678);
        var info = new PciFunctionInfo();
        info.Read(_host, address, address, false);
        var snapshot = new PciConfigSnapshot();
        Assert.Equal(Status.InvalidState, snapshot.Restore(_host, info, quiet: false));
        snapshot.Save(_host, address);
        byte[] saved = (byte[])model.Config.Clone();

        model.Reset();
        Assert.False(snapshot.HasSameBars(_host, address));
        model.Written = offset => Assert.False(offset >= 0xC0, "an unknown register was written");
        Assert.Equal(Status.Ok, snapshot.Restore(_host, info, quiet: false));
        Assert.Equal(1, model.Resets);
        saved.AsSpan(0xC4, 4).Clear();
        Assert.Equal(saved, model.Config);

        model.Reset();
        Assert.Equal(Status.Ok, snapshot.Restore(_host, info, quiet: true));
        Assert.Equal(0x0503u, model.Get(PciRegister.Command, 2));
        Assert.Equal((uint)PciCapability.Msi64, model.Get(0x52, 2));
        Assert.Equal(0xFEE0_1000u, model.Get(0x54, 4));

        model.Put(PciRegister.DeviceId, 2, 0x9999);
        Assert.Equal(Status.InvalidState, snapshot.Restore(_host, info, quiet: true));
    }
}
