using System;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;

namespace Hv.Drivers.Pci;

/// <summary>
/// Says to an OS that is about to find a passed-through function where the function's registers are, and that they stay there, so that it does not
/// give them other addresses: by an Enhanced Allocation capability (PCI Express 5.0, 7.8.5) that Hv puts before the function's own ones.
/// </summary>
/// <remarks>
/// The capability lies where the function has none, and is gone once it has been read to its end. As long as it is there the expansion ROM
/// is not: the OS would place that where another function's registers are.
/// </remarks>
public sealed class FixedPlace
{
    /// <summary>Capability ID of Enhanced Allocation.</summary>
    public const byte CapabilityId = 0x14;

    private const int EntryCountShift = 16, BarShift = 4, PropertyShift = 8, SecondaryShift = 16;
    private const uint MemoryProperty = 0, PrefetchableProperty = 1, IoProperty = 2, NoProperty = 0xFF;
    private const uint EntryEnable = 1u << 31, Wide = 1 << 1, FieldMask = ~3u;
    private const uint ShortEntry = 2, LongEntry = 4;
    private const int MaxWords = 1 + PciFunctionInfo.MaxBars * (int)(1 + LongEntry);

    private readonly PciHost _host;
    private readonly PciFunctionInfo _function;
    private readonly PciBaseAddress[] _bars = new PciBaseAddress[PciFunctionInfo.MaxBars];
    private readonly uint[] _words = new uint[MaxWords];
    private readonly PciCapabilityMap _map = new();

    private int _count;
    private int _at;

    /// <summary>For <paramref name="function"/>. Allocates: at boot only.</summary>
    public FixedPlace(PciHost host, PciFunctionInfo function)
    {
        _host = host;
        _function = function;
    }

    /// <summary>Where the function is.</summary>
    public PciAddress Address => _function.Address;

    /// <summary>Whether the capability is there.</summary>
    public bool IsAnnounced { get; private set; }

    /// <summary>
    /// Puts the capability there, for the addresses that the registers have now. While no guest runs, and the function is quiet: its BARs are sized.
    /// <see cref="Status.NotFound"/>: the function has no registers, or some have no address, or the bridge above does not pass it on.
    /// <see cref="Status.OutOfMemory"/>: its own capabilities leave no room. The OS finds the function as it is then, and chooses addresses itself.
    /// </summary>
    /// <param name="movedBars">Bit n: the OS before had given BAR n another address, and so will this one; of its place nothing is said.</param>
    public Status Announce(byte movedBars)
    {
        IsAnnounced = false;
        PciBaseAddressReader.ReadWithSizes(_host, Address, _bars, PciFunctionInfo.MaxBars);
        _count = 1;
        uint entries = 0;
        for (int i = 0; i < PciFunctionInfo.MaxBars; i++)
        {
            if (_bars[i].Size == 0 || (movedBars >> i & (_bars[i].Kind == PciBaseAddressKind.Memory64 ? 3 : 1)) != 0)
                continue;
            Status status = AddEntry(i);
            if (status != Status.Ok)
                return status;
            entries++;
        }
        if (entries == 0)
            return Status.NotFound;
        _at = _map.FindRoom(_host, Address, 4 * _count);
        if (_at == 0)
            return Status.OutOfMemory;
        bool hasList = (_host.Read16(Address, PciRegister.Status) & PciRegister.StatusCapabilities) != 0;
        uint next = hasList ? _host.Read8(Address, PciRegister.CapabilitiesPointer) : 0u;
        _words[0] = CapabilityId | next << 8 | entries << EntryCountShift;
        IsAnnounced = true;
        return Status.Ok;
    }

    /// <summary>Takes the capability away.</summary>
    public void Withdraw() => IsAnnounced = false;

    /// <summary>
    /// Reads configuration space where it is not the function's own now; false: the function itself answers. <paramref name="offset"/> and
    /// <paramref name="size"/> are the guest's; an access never reaches past an aligned doubleword.
    /// </summary>
    public bool TryRead(int offset, int size, out uint value)
    {
        int word = offset & ~3;
        value = 0;
        if (!IsAnnounced || !Covers(word))
            return false;
        int shift = 8 * (offset & 3);
        value = Word(word) >> shift & PortPciHost.AllOnes(size);
        // The OS has seen all of it.
        if (word == _at + 4 * (_count - 1))
            IsAnnounced = false;
        return true;
    }

    /// <summary>Whether a write there is dropped.</summary>
    public bool Drops(int offset) => IsAnnounced && (offset & ~3) == PciRegister.ExpansionRom;

    private bool Covers(int word) =>
        word is PciRegister.Command or PciRegister.CapabilitiesPointer or PciRegister.ExpansionRom || word >= _at && word < _at + 4 * _count;

    private uint Word(int word) => word switch
    {
        PciRegister.Command => _host.Read32(Address, word) | (uint)PciRegister.StatusCapabilities << 16,
        PciRegister.CapabilitiesPointer => _host.Read32(Address, word) & ~0xFFu | (uint)_at,
        PciRegister.ExpansionRom => 0,
        _ => _words[(word - _at) / 4],
    };

    private Status AddEntry(int index)
    {
        ref readonly PciBaseAddress bar = ref _bars[index];
        uint property = PropertyOf(in bar);
        if (bar.Address == 0 || property == NoProperty)
            return Status.NotFound;
        ulong last = bar.Address + bar.Size - 1;
        bool isWide = last > uint.MaxValue;
        _words[_count++] = (isWide ? LongEntry : ShortEntry) | (uint)index << BarShift | property << PropertyShift | NoProperty << SecondaryShift | EntryEnable;
        ulong offset = bar.Size - 1;
        _words[_count++] = (uint)bar.Address & FieldMask | (isWide ? Wide : 0);
        _words[_count++] = (uint)offset & FieldMask | (isWide ? Wide : 0);
        if (!isWide)
            return Status.Ok;
        _words[_count++] = (uint)(bar.Address >> 32);
        _words[_count++] = (uint)(offset >> 32);
        return Status.Ok;
    }

    // As the window is in which it lies: an OS looks for a window of the entry's kind. Host bridges' windows are for registers.
    private uint PropertyOf(in PciBaseAddress bar)
    {
        uint kind = bar.Kind == PciBaseAddressKind.Io ? IoProperty : MemoryProperty;
        if (!_function.HasParent)
            return kind;
        var windows = new PciBridgeWindows(_host, _function.Parent);
        ulong end = bar.Address + bar.Size;
        if (kind == IoProperty)
            return windows.HasPorts(bar.Address, end) ? kind : NoProperty;
        return windows.HasMemory(bar.Address, end) ? kind : windows.HasPrefetchable(bar.Address, end) ? PrefetchableProperty : NoProperty;
    }
}
