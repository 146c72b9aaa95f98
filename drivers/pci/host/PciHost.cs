namespace Hv.Drivers.Pci.Host;

/// <summary>Access to the real configuration space of one PCI segment.</summary>
/// <remarks>Every function of the machine may be named; absent ones read as all ones. Not reentrant: the caller holds Hv's PCI lock.</remarks>
public abstract class PciHost
{
    /// <summary>Bytes of configuration space that can be reached of each function: 256 or 4096.</summary>
    public abstract int ConfigSize { get; }

    /// <summary>Reads <paramref name="size"/> (1, 2 or 4) bytes at <paramref name="offset"/>, which is a multiple of <paramref name="size"/>.</summary>
    public abstract uint Read(PciAddress function, int offset, int size);

    /// <summary>Writes <paramref name="size"/> (1, 2 or 4) bytes at <paramref name="offset"/>, which is a multiple of <paramref name="size"/>.</summary>
    public abstract void Write(PciAddress function, int offset, int size, uint value);

    /// <summary>Reads 8 bits.</summary>
    public byte Read8(PciAddress function, int offset) => (byte)Read(function, offset, 1);

    /// <summary>Reads 16 bits.</summary>
    public ushort Read16(PciAddress function, int offset) => (ushort)Read(function, offset, 2);

    /// <summary>Reads 32 bits.</summary>
    public uint Read32(PciAddress function, int offset) => Read(function, offset, 4);

    /// <summary>Writes 8 bits.</summary>
    public void Write8(PciAddress function, int offset, byte value) => Write(function, offset, 1, value);

    /// <summary>Writes 16 bits.</summary>
    public void Write16(PciAddress function, int offset, ushort value) => Write(function, offset, 2, value);

    /// <summary>Writes 32 bits.</summary>
    public void Write32(PciAddress function, int offset, uint value) => Write(function, offset, 4, value);

    /// <summary>
    /// Sets and clears bits of the command register (for example to enable memory decoding and bus mastering); the
    /// status register in the other half of the double word is not touched. Returns what the command register held.
    /// </summary>
    public ushort ChangeCommand(PciAddress function, ushort set, ushort clear)
    {
        ushort before = Read16(function, PciRegister.Command);
        ushort after = (ushort)((before & ~clear) | set);
        if (after != before)
            Write16(function, PciRegister.Command, after);
        return before;
    }

    /// <summary>Sets and clears bits of a word that has no bits which a write of what was read would change; always written.</summary>
    public void ChangeWord(PciAddress function, int offset, ushort set, ushort clear)
    {
        uint value = Read16(function, offset);
        Write16(function, offset, (ushort)((value & ~(uint)clear) | set));
    }

    /// <summary>How many functions to look for in the device whose function 0 is <paramref name="first"/>: 0 if there is none, 1, or 8.</summary>
    public int CountFunctions(PciAddress first) =>
        !IsPresent(first) ? 0 : (Read8(first, PciRegister.HeaderType) & PciRegister.HeaderMultiFunction) != 0 ? PciConfig.FunctionsPerDevice : 1;

    /// <summary>Whether something answers at this address.</summary>
    public bool IsPresent(PciAddress function) => Read16(function, PciRegister.VendorId) != PciConfig.NoVendor;

    /// <summary>The offset of the first capability with this ID, or 0. A broken list ends the search.</summary>
    public int FindCapability(PciAddress function, byte id)
    {
        if ((Read16(function, PciRegister.Status) & PciRegister.StatusCapabilities) == 0)
            return 0;
        int offset = Read8(function, PciRegister.CapabilitiesPointer) & ~3;
        // A list without a loop has at most this many entries.
        for (int left = (PciConfig.Size - PciConfig.HeaderEnd) / 4; left > 0 && offset >= PciConfig.HeaderEnd; left--)
        {
            ushort header = Read16(function, offset);
            if ((byte)header == id)
                return offset;
            offset = (header >> 8) & ~3;
        }
        return 0;
    }
}
