namespace Hv.Drivers.Pci.Host;

/// <summary>Reads base address registers and, on request, finds their sizes (PCI 3.0, 6.2.5.1).</summary>
public static class PciBaseAddressReader
{
    /// <summary>The address of BAR <paramref name="index"/> as it is programmed now; the size is left 0. Changes nothing.</summary>
    public static PciBaseAddress Read(PciHost host, PciAddress function, int index)
    {
        int offset = PciRegister.Bar0 + 4 * index;
        uint low = host.Read32(function, offset);
        uint high = Is64(low) ? host.Read32(function, offset + 4) : 0;
        return Decode(low, high, 0);
    }

    /// <summary>
    /// Reads all BARs of a function with their sizes into <paramref name="bars"/>, one element for each register. Decoding is off while the
    /// registers hold the sizing pattern, so that nothing else is shadowed; everything is restored.
    /// Only while nobody else uses the function (at boot).
    /// </summary>
    public static void ReadWithSizes(PciHost host, PciAddress function, PciBaseAddress[] bars, int count)
    {
        ushort command = host.ChangeCommand(function, 0, PciRegister.CommandIo | PciRegister.CommandMemory);
        for (int index = 0; index < count; index++)
        {
            int offset = PciRegister.Bar0 + 4 * index;
            uint low = host.Read32(function, offset);
            uint lowMask = Probe(host, function, offset, low);
            bool wide = Is64(low) && index + 1 < count;
            uint high = wide ? host.Read32(function, offset + 4) : 0;
            uint highMask = wide ? Probe(host, function, offset + 4, high) : 0;
            bars[index] = lowMask == 0 && highMask == 0 ? default : Decode(low, high, Size(lowMask, highMask, wide));
            if (wide)
                bars[++index] = default;
        }
        host.Write16(function, PciRegister.Command, command);
    }

    private static uint Probe(PciHost host, PciAddress function, int offset, uint value)
    {
        host.Write32(function, offset, uint.MaxValue);
        uint mask = host.Read32(function, offset);
        host.Write32(function, offset, value);
        return mask;
    }

    private static ulong Size(uint lowMask, uint highMask, bool wide)
    {
        if ((lowMask & PciRegister.BarIo) != 0)
        {
            // The upper 16 bits may be hard-wired to zero.
            uint ports = lowMask & PciConfig.BarIoMask;
            return (ushort)((ports & (~ports + 1)) & 0xFFFF);
        }
        ulong mask = (lowMask & PciConfig.BarMemoryMask) | (wide ? (ulong)highMask << 32 : 0);
        return mask & (~mask + 1);
    }

    private static bool Is64(uint low) =>
        (low & PciRegister.BarIo) == 0 && (low & PciConfig.BarTypeMask) == PciRegister.BarWide;

    private static PciBaseAddress Decode(uint low, uint high, ulong size)
    {
        if ((low & PciRegister.BarIo) != 0)
            return new PciBaseAddress(PciBaseAddressKind.Io, false, low & PciConfig.BarIoMask & 0xFFFF, size);
        bool prefetchable = (low & PciRegister.BarPrefetchable) != 0;
        if (Is64(low))
            return new PciBaseAddress(PciBaseAddressKind.Memory64, prefetchable, ((ulong)high << 32) | (low & PciConfig.BarMemoryMask), size);
        return low == 0 && size == 0
            ? default
            : new PciBaseAddress(PciBaseAddressKind.Memory32, prefetchable, low & PciConfig.BarMemoryMask, size);
    }
}
