namespace Hv.Drivers.Pci.Host;

/// <summary>Which memory addresses below 4 GiB functions decode on a bus, and where there is room for more. At boot, on one processor.</summary>
public sealed class RegisterPlaces
{
    // Above are interrupt controllers, HPET and firmware.
    private const ulong Limit = 0xFEC0_0000;

    private readonly ulong[] _starts, _ends;
    private int _count;

    /// <summary>For up to <paramref name="capacity"/> ranges; when there are more, no room is found. Allocates: at boot only.</summary>
    public RegisterPlaces(int capacity)
    {
        _starts = new ulong[capacity];
        _ends = new ulong[capacity];
    }

    /// <summary>Adds a range in use, from <paramref name="start"/> to <paramref name="end"/> - 1. One without address or bytes is none.</summary>
    public void Add(ulong start, ulong end)
    {
        if (start == 0 || end <= start)
            return;
        if (_count < _starts.Length)
        {
            _starts[_count] = start;
            _ends[_count] = end;
        }
        _count++;
    }

    /// <summary>Adds what a function decodes: its registers, which are sized for it, and of a bridge its windows. Host bridges are left alone.</summary>
    public void AddFunction(PciHost host, PciFunctionInfo function)
    {
        if (function.Header == PciConfig.HeaderBridge)
        {
            var windows = new PciBridgeWindows(host, function.Address);
            Add(windows.Memory, windows.MemoryEnd);
            Add(windows.Prefetchable, windows.PrefetchableEnd);
        }
        if (function.IsBridge)
            return;
        function.Read(host, function.Address, function.HasParent ? function.Parent : function.Address, sizeBars: true);
        for (int i = 0; i < PciFunctionInfo.MaxBars; i++)
        {
            ref readonly PciBaseAddress bar = ref function.Bars[i];
            if (bar.IsMemory)
                Add(bar.Address, bar.Address + bar.Size);
        }
    }

    /// <summary>
    /// The lowest free place for <paramref name="size"/> bytes (a power of two) directly behind one in use, so that it is where the host bridge decodes; 0 if there is none.
    /// </summary>
    public ulong FindRoom(ulong size)
    {
        ulong best = 0;
        if (_count > _starts.Length)
            return 0;
        for (int i = 0; i < _count; i++)
        {
            ulong start = (_ends[i] + size - 1) & ~(size - 1);
            if (start < _ends[i] || start > Limit - size || best != 0 && start >= best || !IsFree(start, start + size))
                continue;
            best = start;
        }
        return best;
    }

    private bool IsFree(ulong start, ulong end)
    {
        for (int i = 0; i < _count; i++)
        {
            if (start < _ends[i] && end > _starts[i])
                return false;
        }
        return true;
    }
}
