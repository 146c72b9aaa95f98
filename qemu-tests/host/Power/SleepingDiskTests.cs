using System;
using Hv.Drivers.Block;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Time;
using Hv.Shadow.Machine;
using Xunit;

namespace Hv.HostTests.Power;

public sealed class SleepingDiskTests
{
    private const uint Memory = 0xFEB8_0000, Window = 0xFEB0_FEB0;

    private readonly PciBusModel _bus = new();
    private readonly PciFunctionModel _bridge = new(0x8086, 0x244E, 0x060400, 1), _controller = new(0x1B36, 0x0010, 0x010802);
    private readonly PciFunctionTable _table = new(4);
    private readonly PortPciHost _host;
    private readonly Disk _disk = new();

    public SleepingDiskTests()
    {
        _host = new PortPciHost(_bus.Ports);
        _bus.Add(0, 1, 0, _bridge);
        _bus.Add(1, 0, 0, _controller);
        _bridge.Allow(PciRegister.Command, 2, 7);
        _bridge.Allow(PciRegister.PrimaryBus, 4, uint.MaxValue);
        _bridge.Allow(PciRegister.MemoryBase, 4, 0xFFF0_FFF0);
        _controller.AddBar(0, 0, 0x4000, 0);
        _bridge.PowerOnIsNow();
        _controller.PowerOnIsNow();
        _bridge.Write(PciRegister.PrimaryBus, 4, 0x0001_0100);
        _bridge.Write(PciRegister.MemoryBase, 4, Window);
        _bridge.Write(PciRegister.Command, 2, 6);
        _controller.Write(PciRegister.Bar0, 4, Memory);
        _controller.Write(PciRegister.Command, 2, 6);
        Assert.Equal(Status.Ok, _table.Scan(_host, false));
    }

    [Fact]
    public void What_the_controller_and_the_bridge_above_it_lost_is_put_back_before_the_disk_is_used()
    {
        var sleeping = new SleepingDisk(_host, _table, _table.Find(new PciAddress(1, 0, 0))!, _disk);
        Assert.Equal(Status.Ok, sleeping.PrepareForSleep());
        Assert.Equal("prepare ", _disk.Calls);
        _bridge.Reset();
        _controller.Reset();
        _disk.AtWakeUp = () =>
        {
            Assert.Equal(Memory, _controller.Get(PciRegister.Bar0, 4));
            Assert.Equal((uint)(PciRegister.CommandMemory | PciRegister.CommandBusMaster), _controller.Get(PciRegister.Command, 2) & 6);
            Assert.Equal(Window, _bridge.Get(PciRegister.MemoryBase, 4));
            Assert.Equal(0x0001_0100u, _bridge.Get(PciRegister.PrimaryBus, 4));
            Assert.Equal(6u, _bridge.Get(PciRegister.Command, 2));
        };
        Assert.Equal(Status.Ok, sleeping.WakeUp());
        Assert.Equal("prepare wake ", _disk.Calls);
    }

    [Fact]
    public void A_controller_that_is_gone_after_the_sleep_is_reported()
    {
        var sleeping = new SleepingDisk(_host, _table, _table.Find(new PciAddress(1, 0, 0))!, _disk);
        Assert.Equal(Status.Ok, sleeping.PrepareForSleep());
        _controller.IsDead = true;
        Assert.Equal(Status.InvalidState, sleeping.WakeUp());
        Assert.Equal("prepare ", _disk.Calls);
    }

    private sealed class Disk() : BlockDevice(new TickingTime())
    {
        public string Calls = "";
        public Action? AtWakeUp;

        public override uint SectorSize => 512;
        public override ulong SectorCount => 1;
        public override uint MaxTransferSectors => 8;

        public override Status PrepareForSleep()
        {
            Calls += "prepare ";
            return Status.Ok;
        }

        public override Status WakeUp()
        {
            Calls += "wake ";
            AtWakeUp?.Invoke();
            return Status.Ok;
        }

        public override void Poll() { }
        public override void AbortAll(Status status) { }
        protected override void Start(BlockRequest request) => request.Complete(Status.Ok);
    }
}
