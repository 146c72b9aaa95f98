namespace Hv.Drivers.Pci.Host;

/// <summary>The addresses that a PCI-to-PCI bridge passes on to its secondary bus (PCI-to-PCI Bridge 1.2, 3.2.5.6 to 3.2.5.10), as they are now.</summary>
public readonly struct PciBridgeWindows
{
    private const uint WideMask = 0x0F, Wide = 1, IoBaseMask = 0xF0, MemoryBaseMask = 0xFFF0;
    private const int IoShift = 8, MemoryShift = 16;
    private const ulong IoGranule = 1 << 12, MemoryGranule = 1 << 20;

    private readonly ulong _io, _ioEnd, _memory, _memoryEnd, _prefetchable, _prefetchableEnd;

    /// <summary>Reads the windows of <paramref name="bridge"/>.</summary>
    public PciBridgeWindows(PciHost host, PciAddress bridge)
    {
        uint io = host.Read16(bridge, PciRegister.IoBase);
        uint upper = (io & WideMask) == Wide ? host.Read32(bridge, PciRegister.IoUpper) : 0;
        _io = (io & IoBaseMask) << IoShift | (ulong)(upper & 0xFFFF) << MemoryShift;
        _ioEnd = ((io >> 8 & IoBaseMask) << IoShift | (ulong)(upper >> 16) << MemoryShift) + IoGranule;
        uint memory = host.Read32(bridge, PciRegister.MemoryBase);
        _memory = (ulong)(memory & MemoryBaseMask) << MemoryShift;
        _memoryEnd = ((ulong)(memory >> 16 & MemoryBaseMask) << MemoryShift) + MemoryGranule;
        uint prefetchable = host.Read32(bridge, PciRegister.PrefetchableBase);
        bool wide = (prefetchable & WideMask) == Wide;
        _prefetchable = (ulong)(prefetchable & MemoryBaseMask) << MemoryShift | (wide ? (ulong)host.Read32(bridge, PciRegister.PrefetchableBaseUpper) << 32 : 0);
        _prefetchableEnd = ((ulong)(prefetchable >> 16 & MemoryBaseMask) << MemoryShift | (wide ? (ulong)host.Read32(bridge, PciRegister.PrefetchableLimitUpper) << 32 : 0)) + MemoryGranule;
    }

    /// <summary>The window for registers: its first address, and the one behind its last; not above the first if it is closed.</summary>
    public ulong Memory => _memory;
    /// <summary>Behind <see cref="Memory"/>.</summary>
    public ulong MemoryEnd => _memoryEnd;
    /// <summary>The window for prefetchable memory, in the same way.</summary>
    public ulong Prefetchable => _prefetchable;
    /// <summary>Behind <see cref="Prefetchable"/>.</summary>
    public ulong PrefetchableEnd => _prefetchableEnd;

    /// <summary>Whether ports <paramref name="start"/> to <paramref name="end"/> - 1 are passed on.</summary>
    public bool HasPorts(ulong start, ulong end) => start >= _io && end <= _ioEnd;

    /// <summary>Whether memory from <paramref name="start"/> to <paramref name="end"/> - 1 is passed on by the window for registers.</summary>
    public bool HasMemory(ulong start, ulong end) => start >= _memory && end <= _memoryEnd;

    /// <summary>Whether memory from <paramref name="start"/> to <paramref name="end"/> - 1 is passed on by the window for prefetchable memory.</summary>
    public bool HasPrefetchable(ulong start, ulong end) => start >= _prefetchable && end <= _prefetchableEnd;
}
