using Hv.Kernel;

namespace Hv.Drivers.Pci.Host;

/// <summary>All functions of one PCI segment, found by walking the buses behind the bridges as firmware has numbered them.</summary>
public sealed class PciFunctionTable
{
    private readonly PciFunctionInfo[] _functions;
    private readonly byte[] _pendingBuses = new byte[256];
    private readonly PciAddress[] _busParents = new PciAddress[256];
    private readonly bool[] _isBusKnown = new bool[256];
    private int _pendingCount;

    /// <summary>A table for up to <paramref name="capacity"/> functions. Allocates: at boot only.</summary>
    public PciFunctionTable(int capacity)
    {
        _functions = new PciFunctionInfo[capacity];
        for (int index = 0; index < capacity; index++)
            _functions[index] = new PciFunctionInfo();
    }

    /// <summary>How many functions were found.</summary>
    public int Count { get; private set; }

    /// <summary>Function number <paramref name="index"/>, less than <see cref="Count"/>.</summary>
    public PciFunctionInfo this[int index] => _functions[index];

    /// <summary>
    /// Finds every function, starting at bus 0 (and at the root buses of further functions of device 0:0, one host bridge each).
    /// <see cref="Status.OutOfMemory"/>: there are more than the capacity; those found first are in the table.
    /// <see cref="Status.NotFound"/>: no function answers.
    /// </summary>
    public Status Scan(PciHost host, bool sizeBars)
    {
        Count = 0;
        _pendingCount = 0;
        for (int bus = 0; bus < _isBusKnown.Length; bus++)
            _isBusKnown[bus] = false;

        AddRootBus(0);
        int bridges = host.CountFunctions(new PciAddress(0, 0, 0));
        for (int function = 1; function < bridges; function++)
        {
            PciAddress bridge = new(0, 0, function);
            if (host.IsPresent(bridge) && host.Read32(bridge, PciConfig.ClassRevision) >> 16 == 0x0600)
                AddRootBus((byte)function);
        }

        Status status = Status.Ok;
        for (int next = 0; next < _pendingCount && status == Status.Ok; next++)
            status = ScanBus(host, _pendingBuses[next], sizeBars);
        return status == Status.Ok && Count == 0 ? Status.NotFound : status;
    }

    /// <summary>The function at <paramref name="address"/>, or null.</summary>
    public PciFunctionInfo? Find(PciAddress address)
    {
        for (int index = 0; index < Count; index++)
        {
            if (_functions[index].Address == address)
                return _functions[index];
        }
        return null;
    }

    /// <summary>The bridge above <paramref name="function"/>; null if it is on a root bus.</summary>
    public PciFunctionInfo? FindBridge(PciFunctionInfo function) => function.HasParent ? Find(function.Parent) : null;

    /// <summary>The <paramref name="skip"/>-th function (0 for the first) whose class, subclass and programming interface are <paramref name="classCode"/>, or null.</summary>
    public PciFunctionInfo? FindClass(uint classCode, int skip)
    {
        for (int index = 0; index < Count; index++)
        {
            if (_functions[index].Class == classCode && skip-- == 0)
                return _functions[index];
        }
        return null;
    }

    /// <summary>Whether no other function is on the bus of <paramref name="function"/>, so that a reset of the bus hits it alone.</summary>
    public bool IsAloneOnBus(PciFunctionInfo function)
    {
        for (int index = 0; index < Count; index++)
        {
            if (_functions[index] != function && _functions[index].Address.Bus == function.Address.Bus)
                return false;
        }
        return true;
    }

    private void AddRootBus(byte bus) => AddBus(bus, new PciAddress(bus, 0, 0), true);

    private void AddBus(byte bus, PciAddress parent, bool isRoot)
    {
        // Bus numbers that firmware has not set, or that lead back, would loop.
        if (_isBusKnown[bus] || (bus == 0 && !isRoot))
            return;
        _isBusKnown[bus] = true;
        _busParents[bus] = parent;
        _pendingBuses[_pendingCount++] = bus;
    }

    private Status ScanBus(PciHost host, byte bus, bool sizeBars)
    {
        bool isRoot = _busParents[bus].Bus == bus;
        for (int device = 0; device < PciConfig.DevicesPerBus; device++)
        {
            int count = host.CountFunctions(new PciAddress(bus, device, 0));
            for (int function = 0; function < count; function++)
            {
                PciAddress address = new(bus, device, function);
                if (!host.IsPresent(address))
                    continue;
                if (Count == _functions.Length)
                    return Status.OutOfMemory;
                PciFunctionInfo info = _functions[Count++];
                info.Read(host, address, isRoot ? address : _busParents[bus], sizeBars);
                if (info.Header == PciConfig.HeaderBridge)
                    AddBus(info.SecondaryBus, address, false);
            }
        }
        return Status.Ok;
    }
}
