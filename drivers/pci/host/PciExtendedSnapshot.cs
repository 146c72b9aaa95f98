namespace Hv.Drivers.Pci.Host;

/// <summary>
/// What firmware has set in the extended capabilities of a PCI Express function, to be set again after a reset; and its virtual functions, which firmware has
/// not turned on.
/// </summary>
public sealed class PciExtendedSnapshot
{
    private const int MaxCapabilities = 64, MaxRegisters = 24;

    private readonly ushort[] _offsets = new ushort[MaxRegisters];
    private readonly uint[] _values = new uint[MaxRegisters];
    private int _count;
    private int _virtualization;

    /// <summary>How many registers are kept.</summary>
    public int Count => _count;

    /// <summary>Reads the registers of <paramref name="function"/> by <paramref name="host"/>, which must reach extended configuration space. A broken list ends the search.</summary>
    public void Save(PciHost host, PciAddress function)
    {
        _count = 0;
        _virtualization = 0;
        int at = PciExtendedCapability.First;
        for (int left = MaxCapabilities; left > 0 && at >= PciExtendedCapability.First; left--)
        {
            uint header = host.Read32(function, at);
            if (header == 0 || header == uint.MaxValue)
                return;
            SaveCapability(host, function, (ushort)(header & PciExtendedCapability.IdMask), at);
            at = (int)(header >> PciExtendedCapability.NextShift) & ~3;
        }
    }

    /// <summary>Turns virtual functions off; true if there were any. Their transactions end with them.</summary>
    public bool StopVirtualFunctions(PciHost host, PciAddress function)
    {
        if (_virtualization == 0)
            return false;
        int at = _virtualization + PciExtendedCapability.VirtualControl;
        ushort control = host.Read16(function, at);
        const ushort on = PciExtendedCapability.VirtualEnable | PciExtendedCapability.VirtualMemory;
        if (control == ushort.MaxValue || (control & on) == 0)
            return false;
        host.Write16(function, at, (ushort)(control & ~on));
        return (control & PciExtendedCapability.VirtualEnable) != 0;
    }

    /// <summary>Writes what is different now. Decoding is off: the sizes of BARs are among it.</summary>
    public void Restore(PciHost host, PciAddress function)
    {
        for (int i = 0; i < _count; i++)
        {
            if (host.Read32(function, _offsets[i]) != _values[i])
                host.Write32(function, _offsets[i], _values[i]);
        }
    }

    private void SaveCapability(PciHost host, PciAddress function, ushort id, int at)
    {
        switch (id)
        {
            case PciExtendedCapability.ErrorReporting:
                Keep(host, function, at + PciExtendedCapability.ErrorMask, uint.MaxValue);
                Keep(host, function, at + PciExtendedCapability.ErrorSeverity, uint.MaxValue);
                Keep(host, function, at + PciExtendedCapability.CorrectableMask, uint.MaxValue);
                Keep(host, function, at + PciExtendedCapability.ErrorControl, uint.MaxValue);
                break;
            case PciExtendedCapability.AddressTranslation or PciExtendedCapability.ProcessSpaces or PciExtendedCapability.LatencyTolerance:
                Keep(host, function, at + PciExtendedCapability.FirstRegister, uint.MaxValue);
                break;
            case PciExtendedCapability.PageRequests:
                Keep(host, function, at + PciExtendedCapability.FirstRegister, ushort.MaxValue);
                break;
            case PciExtendedCapability.ResizableBar:
                uint first = host.Read32(function, at + PciExtendedCapability.ResizableControl);
                uint bars = (first & PciExtendedCapability.ResizableCountMask) >> PciExtendedCapability.ResizableCountShift;
                for (int i = 0; i < bars && i < PciFunctionInfo.MaxBars; i++)
                    Keep(host, function, at + PciExtendedCapability.ResizableControl + i * PciExtendedCapability.ResizableDistance, uint.MaxValue);
                break;
            case PciExtendedCapability.Virtualization:
                _virtualization = at;
                for (int i = 0; i < PciFunctionInfo.MaxBars; i++)
                    Keep(host, function, at + PciExtendedCapability.VirtualBar0 + 4 * i, uint.MaxValue);
                break;
        }
    }

    private void Keep(PciHost host, PciAddress function, int offset, uint mask)
    {
        if (_count == MaxRegisters || offset > PciConfig.ExtendedSize - 4)
            return;
        _offsets[_count] = (ushort)offset;
        _values[_count++] = host.Read32(function, offset) & mask;
    }
}
