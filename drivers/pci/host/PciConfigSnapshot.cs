using Hv.Kernel;

namespace Hv.Drivers.Pci.Host;

/// <summary>The first 256 bytes of a function's configuration space, as they were at one moment, and how to bring a function back to them.</summary>
public sealed class PciConfigSnapshot
{
    private readonly uint[] _words = new uint[PciConfig.Size / 4];

    /// <summary>Whether <see cref="Save"/> has been done.</summary>
    public bool IsSaved { get; private set; }

    /// <summary>Reads the whole conventional configuration space of <paramref name="function"/>.</summary>
    public void Save(PciHost host, PciAddress function)
    {
        for (int offset = 0; offset < PciConfig.Size; offset += 4)
            _words[offset / 4] = host.Read32(function, offset);
        IsSaved = true;
    }

    /// <summary>The saved <paramref name="size"/> (1, 2 or 4) bytes at <paramref name="offset"/>, a multiple of <paramref name="size"/>.</summary>
    public uint Read(int offset, int size) =>
        (_words[offset / 4] >> ((offset & 3) * 8)) & PortPciHost.AllOnes(size);

    /// <summary>
    /// Writes the saved state to an ordinary function that has been reset: header and the standard capabilities, never registers
    /// whose meaning Hv does not know, and never a bit that starts something. With <paramref name="quiet"/> the function comes back
    /// without bus mastering, with INTx disabled and MSI and MSI-X off.
    /// <see cref="Status.InvalidState"/>: nothing is saved, or another device answers at this address.
    /// <see cref="Status.Unsupported"/>: it is a bridge.
    /// </summary>
    public Status Restore(PciHost host, PciFunctionInfo function, bool quiet)
    {
        PciAddress address = function.Address;
        if (!IsSaved || host.Read32(address, PciRegister.VendorId) != Read(PciRegister.VendorId, 4))
            return Status.InvalidState;
        if (function.Header != PciConfig.HeaderEndpoint)
            return Status.Unsupported;

        RestorePower(host, function);
        RestoreBars(host, address);
        host.Write8(address, PciRegister.CacheLineSize, (byte)Read(PciRegister.CacheLineSize, 1));
        host.Write8(address, PciRegister.LatencyTimer, (byte)Read(PciRegister.LatencyTimer, 1));
        host.Write8(address, PciRegister.InterruptLine, (byte)Read(PciRegister.InterruptLine, 1));
        RestoreExpress(host, function);
        RestoreMsi(host, function, quiet);

        ushort command = (ushort)Read(PciRegister.Command, 2);
        if (quiet)
            command = (ushort)((command & ~PciRegister.CommandBusMaster) | PciRegister.CommandIntxDisable);
        host.Write16(address, PciRegister.Command, command);
        return Status.Ok;
    }

    /// <summary>Whether the function's BARs hold the saved values now.</summary>
    public bool HasSameBars(PciHost host, PciAddress function) => MovedBars(host, function) == 0;

    /// <summary>Which BARs hold something else than when they were saved: bit n for BAR n.</summary>
    public byte MovedBars(PciHost host, PciAddress function)
    {
        int moved = 0;
        for (int i = 0; i < PciFunctionInfo.MaxBars; i++)
        {
            int offset = PciRegister.Bar0 + 4 * i;
            if (host.Read32(function, offset) != _words[offset / 4])
                moved |= 1 << i;
        }
        return (byte)moved;
    }

    /// <summary>Writes the saved BARs and expansion ROM address with decoding off, and leaves it off.</summary>
    public void RestoreBars(PciHost host, PciAddress function)
    {
        host.ChangeCommand(function, 0, PciRegister.CommandIo | PciRegister.CommandMemory);
        for (int offset = PciRegister.Bar0; offset < PciRegister.Bar0 + 4 * PciFunctionInfo.MaxBars; offset += 4)
            host.Write32(function, offset, _words[offset / 4]);
        host.Write32(function, PciRegister.ExpansionRom, _words[PciRegister.ExpansionRom / 4]);
    }

    private void RestorePower(PciHost host, PciFunctionInfo function)
    {
        if (function.PowerManagement == 0)
            return;
        int control = function.PowerManagement + PciCapability.PmControl;
        // State D0, whatever it was; the event bit would be cleared by writing a one.
        host.Write16(function.Address, control, (ushort)(Read(control, 2) & ~(uint)(PciCapability.PmStateMask | PciCapability.PmEventStatus)));
    }

    private void RestoreExpress(PciHost host, PciFunctionInfo function)
    {
        if (function.PciExpress == 0)
            return;
        int start = function.PciExpress;
        RestoreWord(host, function, start + PciCapability.ExpressDeviceControl, PciCapability.ExpressInitiateFlr);
        RestoreWord(host, function, start + PciCapability.ExpressLinkControl, PciCapability.ExpressLinkActions);
        if ((Read(start + PciCapability.ExpressFlags, 2) & PciCapability.ExpressVersionMask) < 2 ||
            start + PciCapability.ExpressLinkControl2 >= PciConfig.Size)
        {
            return;
        }
        RestoreWord(host, function, start + PciCapability.ExpressDeviceControl2, 0);
        RestoreWord(host, function, start + PciCapability.ExpressLinkControl2, 0);
    }

    private void RestoreMsi(PciHost host, PciFunctionInfo function, bool quiet)
    {
        PciAddress address = function.Address;
        if (function.Msi != 0)
        {
            uint control = Read(function.Msi + PciCapability.MsiControl, 2);
            int words = 2 + ((control & PciCapability.Msi64) != 0 ? 1 : 0) + ((control & PciCapability.MsiMaskable) != 0 ? 1 : 0);
            for (int word = 1; word <= words && function.Msi + 4 * word < PciConfig.Size; word++)
                host.Write32(address, function.Msi + 4 * word, _words[function.Msi / 4 + word]);
            RestoreWord(host, function, function.Msi + PciCapability.MsiControl, quiet ? PciCapability.MsiEnable : (ushort)0);
        }
        if (function.MsiX != 0)
            RestoreWord(host, function, function.MsiX + PciCapability.MsiXControl, quiet ? PciCapability.MsiXEnable : (ushort)0);
    }

    private void RestoreWord(PciHost host, PciFunctionInfo function, int offset, ushort clear) =>
        host.Write16(function.Address, offset, (ushort)(Read(offset, 2) & ~(uint)clear));
}
