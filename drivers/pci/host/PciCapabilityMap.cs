namespace Hv.Drivers.Pci.Host;

/// <summary>Where a function has capabilities, in units of four bytes of its conventional configuration space.</summary>
public sealed class PciCapabilityMap
{
    private const int Words = PciConfig.Size / 4, FirstWord = PciConfig.HeaderEnd / 4;

    // PCI Code and ID Assignment 1.11, 2, and the capabilities' own specifications: the most bytes that one takes.
    private const byte VitalProductData = 0x03, VendorSpecific = 0x09, SubsystemId = 0x0D, SataData = 0x12;
    private const int PowerBytes = 8, VitalBytes = 8, MsiBytes = 24, SubsystemBytes = 8, ExpressBytes = 60, MsiXBytes = 12, SataBytes = 8, AdvancedBytes = 8;
    private const int LengthOffset = 2;

    private readonly bool[] _isTaken = new bool[Words];
    private readonly bool[] _isStart = new bool[Words];

    /// <summary>
    /// The highest offset of <paramref name="bytes"/> in a row that belong to no capability, or 0. A capability whose size is not known is taken to
    /// reach to the next one.
    /// </summary>
    public int FindRoom(PciHost host, PciAddress function, int bytes)
    {
        Clear();
        if ((host.Read16(function, PciRegister.Status) & PciRegister.StatusCapabilities) != 0)
            Read(host, function);
        int wanted = (bytes + 3) / 4, free = 0;
        for (int word = Words - 1; word >= FirstWord; word--)
        {
            free = _isTaken[word] ? 0 : free + 1;
            if (free == wanted)
                return 4 * word;
        }
        return 0;
    }

    private void Clear()
    {
        for (int word = 0; word < Words; word++)
        {
            _isTaken[word] = false;
            _isStart[word] = false;
        }
    }

    private void Read(PciHost host, PciAddress function)
    {
        int offset = host.Read8(function, PciRegister.CapabilitiesPointer) & ~3;
        while (offset >= PciConfig.HeaderEnd && !_isStart[offset / 4])
        {
            _isStart[offset / 4] = true;
            offset = host.Read8(function, offset + 1) & ~3;
        }
        for (int word = FirstWord; word < Words; word++)
        {
            if (_isStart[word])
                Take(word, LengthOf(host, function, 4 * word));
        }
    }

    private void Take(int first, int bytes)
    {
        _isTaken[first] = true;
        int end = bytes == 0 ? Words : first + (bytes + 3) / 4;
        for (int word = first + 1; word < end && word < Words && !_isStart[word]; word++)
            _isTaken[word] = true;
    }

    private static int LengthOf(PciHost host, PciAddress function, int offset) => host.Read8(function, offset) switch
    {
        PciRegister.CapabilityPowerManagement => PowerBytes,
        VitalProductData => VitalBytes,
        PciRegister.CapabilityMsi => MsiBytes,
        VendorSpecific => host.Read8(function, offset + LengthOffset),
        SubsystemId => SubsystemBytes,
        PciRegister.CapabilityExpress => ExpressBytes,
        PciRegister.CapabilityMsix => MsiXBytes,
        SataData => SataBytes,
        PciCapability.AdvancedFeatures => AdvancedBytes,
        _ => 0,
    };
}
