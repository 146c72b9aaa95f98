using Hv.Drivers.Block;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;
using Hv.Kernel;

namespace Hv.Shadow.Machine;

/// <summary>Brings the boot disk, which is Hv's own, through suspend to RAM: its controller and the bridges above it lose what they were set to.</summary>
/// <remarks>Made when the disk is taken over.</remarks>
public sealed class SleepingDisk
{
    private const int MaxBridges = 8;

    private readonly PciHost _host;
    private readonly PciFunctionInfo _controller;
    private readonly BlockDevice _disk;
    private readonly PciConfigSnapshot _saved = new();
    private readonly PciBridgeFunction[] _bridges = new PciBridgeFunction[MaxBridges];
    private readonly RealPciFunction[] _realBridges = new RealPciFunction[MaxBridges];
    private readonly int _bridgeCount;

    /// <summary>For <paramref name="disk"/>, Hv's driver of a disk of <paramref name="controller"/>; <paramref name="table"/> has the bridges.</summary>
    public SleepingDisk(PciHost host, PciFunctionTable table, PciFunctionInfo controller, BlockDevice disk)
    {
        _host = host;
        _controller = controller;
        _disk = disk;
        for (PciFunctionInfo? bridge = table.FindBridge(controller); bridge != null && _bridgeCount < MaxBridges; bridge = table.FindBridge(bridge))
        {
            _bridges[_bridgeCount] = new PciBridgeFunction(extended: false);
            _realBridges[_bridgeCount++] = new RealPciFunction(host, bridge.Address);
        }
    }

    /// <summary>Nothing is in flight any more.</summary>
    public Status PrepareForSleep()
    {
        for (int i = 0; i < _bridgeCount; i++)
            _bridges[i].Capture(_realBridges[i]);
        _saved.Save(_host, _controller.Address);
        return _disk.PrepareForSleep();
    }

    /// <summary>The disk works again, whether the machine has slept or not.</summary>
    public Status WakeUp()
    {
        // From the root bus down.
        for (int i = _bridgeCount - 1; i >= 0; i--)
            _bridges[i].TakeOver(_realBridges[i]);
        Status status = _saved.Restore(_host, _controller, quiet: true);
        if (status != Status.Ok)
            return status;
        _host.ChangeCommand(_controller.Address, PciRegister.CommandIo | PciRegister.CommandMemory | PciRegister.CommandBusMaster, 0);
        return _disk.WakeUp();
    }
}
