using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>Cuts off functions that were not there at boot: plugged in since, or hidden by the firmware and shown by the OS.</summary>
/// <remarks>
/// Nothing is known of them, so they are not reset: without bus mastering and interrupts they do no harm, and the OS that finds them next has a driver
/// that resets them.
/// </remarks>
public sealed class UnknownFunctions
{
    private const int Buses = 256;

    private readonly PciHost _host;
    private readonly PciFunctionTable _known;
    private readonly bool[] _isBus = new bool[Buses];

    /// <summary>For all but those in <paramref name="known"/>. Allocates: at boot only.</summary>
    public UnknownFunctions(PciHost host, PciFunctionTable known)
    {
        _host = host;
        _known = known;
    }

    /// <summary>
    /// Looks at the buses that were there at boot, with the bridges as they were then, and cuts off what is not a bridge. While no guest runs, under Hv's PCI lock.
    /// Returns how many functions it has found.
    /// </summary>
    public int CutOff()
    {
        for (int index = 0; index < _known.Count; index++)
        {
            PciFunctionInfo function = _known[index];
            _isBus[function.Address.Bus] = true;
            if (function.Header == PciConfig.HeaderBridge)
                _isBus[function.SecondaryBus] = true;
        }
        int found = 0;
        for (int bus = 0; bus < Buses; bus++)
        {
            for (int device = 0; _isBus[bus] && device < PciConfig.DevicesPerBus; device++)
                found += CutOff(bus, device);
        }
        return found;
    }

    private int CutOff(int bus, int device)
    {
        int count = _host.CountFunctions(new PciAddress(bus, device, 0)), found = 0;
        for (int function = 0; function < count; function++)
        {
            PciAddress address = new(bus, device, function);
            if (_known.Find(address) != null || !_host.IsPresent(address)
                || (_host.Read8(address, PciRegister.HeaderType) & PciConfig.HeaderLayoutMask) != PciConfig.HeaderEndpoint)
                continue;
            Silence(address);
            found++;
        }
        return found;
    }

    private void Silence(PciAddress function)
    {
        _host.ChangeCommand(function, PciRegister.CommandIntxDisable, PciRegister.CommandBusMaster);
        int msi = _host.FindCapability(function, PciRegister.CapabilityMsi);
        if (msi != 0)
            _host.ChangeWord(function, msi + PciCapability.MsiControl, 0, PciCapability.MsiEnable);
        int msiX = _host.FindCapability(function, PciRegister.CapabilityMsix);
        if (msiX != 0)
            _host.ChangeWord(function, msiX + PciCapability.MsiXControl, 0, PciCapability.MsiXEnable);
    }
}
