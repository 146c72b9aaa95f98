using Hv.Drivers.Pci.Host;
using Hv.Drivers.Platform;
using Hv.Drivers.Quiesce;
using Hv.Kernel.Diagnostics;
using Hv.Kernel.Time;

namespace Hv.Shadow.Machine;

/// <content>The passed-through devices at a switch, and the bridges above them (DESIGN D10).</content>
public sealed unsafe partial class HvMachine
{
    // The bridges first: the devices' registers are reached through them, where the promoted system has its windows.
    private void QuietDevices(GuestVm next, bool isFoundByRescan)
    {
        WakeBridges();
        PciConfigSpace pci = next.Platform.Pci;
        for (int i = 0; i < pci.Count; i++)
        {
            if (_realBridges[i] is { } real && pci.Get(i, out int bus, out int device, out int function) is PciBridgeFunction bridge
                && !IsAboveDisk(new PciAddress(bus, device, function)))
                bridge.TakeOver(real);
        }
        _ = Quiescer.Run();
        if (Quiescer.UnknownCount != 0)
            Log.Line("Hv: cut off functions that were not there at boot: ", (ulong)Quiescer.UnknownCount);
        if (isFoundByRescan)
            Quiescer.AnnouncePlaces();
        else
            Quiescer.Places.Withdraw();
        Log.Line("Hv: devices are quiet");
    }

    // The windows through which Hv reaches the real disk controller stay as they are.
    private bool IsAboveDisk(PciAddress bridge)
    {
        for (PciFunctionInfo? function = Functions.Find(DiskAddress); function != null; function = Functions.FindBridge(function))
        {
            if (function.HasParent && function.Parent == bridge)
                return true;
        }
        return false;
    }

    // An OS lets ports sleep behind which it uses nothing. The table has a bridge before what is behind it.
    private void WakeBridges()
    {
        for (int i = 0; i < Functions.Count; i++)
        {
            PciFunctionInfo function = Functions[i];
            if (function.Header != PciConfig.HeaderBridge || function.PowerManagement == 0)
                continue;
            int at = function.PowerManagement + PciCapability.PmControl;
            ushort control = Pci.Read16(function.Address, at);
            if ((control & PciCapability.PmStateMask) == 0)
                continue;
            Pci.Write16(function.Address, at, (ushort)(control & ~(PciCapability.PmStateMask | PciCapability.PmEventStatus)));
            var awake = new Deadline(Time, FunctionQuiescer.PowerWait);
            while (!awake.HasPassed)
            {
            }
        }
    }
}
