using Hv.Drivers.Pci.Host;

namespace Hv.Drivers.Ata;

/// <summary>The I/O ports of one channel of a PCI IDE controller.</summary>
public readonly struct IdePorts
{
    /// <summary>The command block: data, error/features, count, address (three), device, status/command.</summary>
    public readonly ushort Command;
    /// <summary>Alternate status and device control.</summary>
    public readonly ushort Control;
    /// <summary>The channel's bus master registers; 0 if it has none.</summary>
    public readonly ushort BusMaster;

    /// <summary>Names them.</summary>
    public IdePorts(ushort command, ushort control, ushort busMaster)
    {
        Command = command;
        Control = control;
        BusMaster = busMaster;
    }

    /// <summary>
    /// The ports of channel 0 or 1 of <paramref name="controller"/>, of class 0101h (PCI IDE Controller Specification 1.0, 2; Programming
    /// Interface for Bus Master IDE Controller 1.0, 2.1).
    /// </summary>
    public static IdePorts Of(PciFunctionInfo controller, int channel)
    {
        const uint SecondaryModeShift = 2;
        const uint NativeMode = 1 << 0;
        const uint IsBusMaster = 1 << 7;
        const int BusMasterBar = 4;
        const int BusMasterBytes = 8;
        const int ControlInBar = 2;

        bool isNative = (controller.Class >> (channel == 0 ? 0 : (int)SecondaryModeShift) & NativeMode) != 0;
        PciBaseAddress master = controller.Bars[BusMasterBar];
        bool hasMaster = (controller.Class & IsBusMaster) != 0 && master.Kind == PciBaseAddressKind.Io && master.Address != 0;
        ushort masterPort = hasMaster ? (ushort)(master.Address + (ulong)(channel * BusMasterBytes)) : (ushort)0;
        if (!isNative)
            return channel == 0 ? new IdePorts(0x1F0, 0x3F6, masterPort) : new IdePorts(0x170, 0x376, masterPort);
        ulong command = controller.Bars[2 * channel].Address;
        ulong control = controller.Bars[2 * channel + 1].Address + ControlInBar;
        return new IdePorts((ushort)command, (ushort)control, masterPort);
    }
}
