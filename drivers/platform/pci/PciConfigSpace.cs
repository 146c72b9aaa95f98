using Hv.Drivers.Pci;
using Hv.Kernel;
using Hv.Kernel.Io;

namespace Hv.Drivers.Platform;

/// <summary>
/// The PCI configuration space of a virtual machine: the functions that it can see, by ports CF8h/CFCh and, where the machine has it, by the
/// enhanced configuration access mechanism (PCI Express 3.0, 7.2.2) in memory. Where no function is, reads give all ones and writes are dropped.
/// </summary>
public sealed class PciConfigSpace : MmioDevice
{
    /// <summary>The configuration address port; only 32-bit accesses count.</summary>
    public const ushort AddressPort = 0xCF8;
    /// <summary>The first of four configuration data ports.</summary>
    public const ushort DataPort = 0xCFC;
    /// <summary>The most functions that can be added.</summary>
    public const int MaxFunctions = 64;

    private const uint AddressEnable = 1u << 31;
    private const int BusShift = 20;
    private const int FunctionBytes = 4096;

    private readonly PciFunction?[] _functions = new PciFunction?[MaxFunctions];
    private readonly ushort[] _addresses = new ushort[MaxFunctions];
    private int _count;
    private uint _address;

    /// <summary>How many functions there are.</summary>
    public int Count => _count;

    /// <summary>Bytes of the memory that the enhanced mechanism takes for <paramref name="buses"/> buses.</summary>
    public static ulong EcamBytes(int buses) => (ulong)buses << BusShift;

    /// <summary>Makes a function visible; while booting only. False if there is one at this place, or no room for more.</summary>
    public bool Add(int bus, int device, int function, PciFunction what)
    {
        ushort at = Pack(bus, device, function);
        if (_count == MaxFunctions || Find(at) != null)
            return false;
        _functions[_count] = what;
        _addresses[_count] = at;
        _count++;
        return true;
    }

    /// <summary>Function number <paramref name="index"/> in the order of adding, with its place.</summary>
    public PciFunction? Get(int index, out int bus, out int device, out int function)
    {
        bool exists = (uint)index < (uint)_count;
        ushort at = exists ? _addresses[index] : (ushort)0;
        bus = at >> 8;
        device = at >> 3 & 31;
        function = at & 7;
        return exists ? _functions[index] : null;
    }

    /// <summary>Reads configuration space; an access past the end of the function's space reads ones.</summary>
    public uint ReadConfig(int bus, int device, int function, int offset, int size) => Read(Pack(bus, device, function), offset, size);

    /// <summary>Writes configuration space.</summary>
    public void WriteConfig(int bus, int device, int function, int offset, int size, uint value) => Write(Pack(bus, device, function), offset, size, value);

    /// <summary>Reads <see cref="AddressPort"/> (all 32 bits) or <see cref="DataPort"/> and the three ports after it.</summary>
    public uint ReadPort(ushort port, int size)
    {
        if (port == AddressPort)
            return size == 4 ? _address : uint.MaxValue;
        if ((_address & AddressEnable) == 0)
            return uint.MaxValue;
        int within = port & 3;
        return Read((ushort)(_address >> 8), (int)(_address & 0xFC) + within, System.Math.Min(size, 4 - within));
    }

    /// <summary>Writes the same ports.</summary>
    public void WritePort(ushort port, int size, uint value)
    {
        if (port == AddressPort)
        {
            if (size == 4)
                _address = value & (AddressEnable | 0x00FF_FFFC);
            return;
        }
        if ((_address & AddressEnable) == 0)
            return;
        int within = port & 3;
        Write((ushort)(_address >> 8), (int)(_address & 0xFC) + within, System.Math.Min(size, 4 - within), value);
    }

    /// <inheritdoc/>
    /// <remarks>The enhanced mechanism; offset 0 is bus 0. Eight bytes are read as two times four.</remarks>
    public override ulong ReadMmio(ulong offset, int size)
    {
        ushort at = (ushort)(offset >> 12);
        int register = (int)(offset & (FunctionBytes - 1));
        if (size != 8)
            return Read(at, register, size);
        return Read(at, register, 4) | (ulong)Read(at, register + 4, 4) << 32;
    }

    /// <inheritdoc/>
    public override void WriteMmio(ulong offset, int size, ulong value)
    {
        ushort at = (ushort)(offset >> 12);
        int register = (int)(offset & (FunctionBytes - 1));
        Write(at, register, System.Math.Min(size, 4), (uint)value);
        if (size == 8)
            Write(at, register + 4, 4, (uint)(value >> 32));
    }

    /// <summary>Finds the register range of a virtual function that answers guest-physical <paramref name="where"/> now.</summary>
    public bool TryFindMmio(GuestPhysical where, out MmioDevice? device, out ulong offset)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_functions[i] is VirtualPciFunction function && function.TryFindMmio(where, out device, out offset))
                return true;
        }
        device = null;
        offset = 0;
        return false;
    }

    /// <summary>Power-on state of the address register; the functions are their owners' to reset, except bridges, which forget what was written.</summary>
    public void Reset()
    {
        _address = 0;
        for (int i = 0; i < _count; i++)
        {
            if (_functions[i] is PciBridgeFunction bridge)
                bridge.Reset();
        }
    }

    /// <summary>Takes over the address register and the bridges of <paramref name="other"/>, each from the one at its place.</summary>
    public void CopyFrom(PciConfigSpace other)
    {
        _address = other._address;
        for (int i = 0; i < _count; i++)
        {
            if (_functions[i] is PciBridgeFunction bridge && other.Find(_addresses[i]) is PciBridgeFunction source)
                bridge.CopyFrom(source);
        }
    }

    /// <summary>Reads the real address register. Bridges are captured one by one, since each has its real function.</summary>
    public void Capture(PortDevice real) => _address = real.ReadPort(AddressPort, 4) & (AddressEnable | 0x00FF_FFFC);

    /// <summary>Writes the real address register; the last thing that uses it at a switch.</summary>
    public void Commit(PortDevice real) => real.WritePort(AddressPort, 4, _address);

    private static ushort Pack(int bus, int device, int function) => (ushort)(bus << 8 | (device & 31) << 3 | function & 7);

    private PciFunction? Find(ushort at)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_addresses[i] == at)
                return _functions[i];
        }
        return null;
    }

    private uint Read(ushort at, int offset, int size)
    {
        PciFunction? function = Find(at);
        uint ones = size >= 4 ? uint.MaxValue : (1u << (8 * size)) - 1;
        if (function == null || offset + size > FunctionBytes)
            return ones;
        return function.ReadConfig(offset, size) & ones;
    }

    private void Write(ushort at, int offset, int size, uint value)
    {
        PciFunction? function = Find(at);
        if (function != null && offset + size <= FunctionBytes)
            function.WriteConfig(offset, size, value);
    }
}
