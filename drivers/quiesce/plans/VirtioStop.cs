using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Quiesce;

/// <summary>Virtio devices of every kind: the device status register resets them (virtio 1.2, 2.4).</summary>
internal static class VirtioStop
{
    private const ushort RedHat = 0x1AF4, FirstDevice = 0x1000, FirstModern = 0x1040, LastDevice = 0x107F;

    // Virtio 1.2, 4.1.4: the capability that says where the common configuration is; 4.1.4.3: the status in it.
    private const byte VendorCapability = 0x09, CommonConfiguration = 1;
    private const int CapabilityType = 3, CapabilityBar = 4, CapabilityOffset = 8, ModernStatus = 20;

    // Virtio 1.2, 4.1.4.10: the legacy interface, in ports.
    private const int LegacyStatus = 18;

    private const int ResetLimit = 500, MaxCapabilities = 48;
    // What Hv has mapped of each BAR.
    private const uint ReachedBytes = 4096;

    public static StopPlan? For(PciHost host, PciFunctionInfo function)
    {
        if (function.Vendor != RedHat || function.Device < FirstDevice || function.Device > LastDevice)
            return null;
        int capability = FindCommon(host, function.Address);
        if (capability != 0)
        {
            int bar = host.Read8(function.Address, capability + CapabilityBar);
            uint offset = host.Read32(function.Address, capability + CapabilityOffset);
            if (bar < PciFunctionInfo.MaxBars && offset < ReachedBytes - ModernStatus)
                return Reset(bar, ModernStatus, offset);
        }
        return function.Device < FirstModern ? Reset(0, LegacyStatus, 0) : null;
    }

    private static StopPlan Reset(int bar, int status, uint offset) =>
        new(bar, resets: true, [StopStep.Write(status, 1, 0), StopStep.Require(status, 1, 0xFF, 0, ResetLimit)], offset);

    private static int FindCommon(PciHost host, PciAddress address)
    {
        if ((host.Read16(address, PciRegister.Status) & PciRegister.StatusCapabilities) == 0)
            return 0;
        int at = host.Read8(address, PciRegister.CapabilitiesPointer) & ~3;
        for (int left = MaxCapabilities; left > 0 && at >= PciConfig.HeaderEnd; left--)
        {
            ushort header = host.Read16(address, at);
            if ((byte)header == VendorCapability && host.Read8(address, at + CapabilityType) == CommonConfiguration)
                return at;
            at = (header >> 8) & ~3;
        }
        return 0;
    }
}
