using Hv.Drivers.Pci.Host;
using Hv.Kernel;

namespace Hv.Drivers.Pci;

/// <summary>The passed-through functions whose places are told to the OS that finds them after a switch. Under Hv's PCI lock.</summary>
public sealed class FixedPlaces
{
    private readonly FixedPlace[] _places;
    private int _count;
    private int _announced;

    /// <summary>For up to <paramref name="capacity"/> functions. Allocates: at boot only.</summary>
    public FixedPlaces(int capacity) => _places = new FixedPlace[capacity];

    /// <summary>Adds a function; allocates: at boot only. The caller keeps to the capacity.</summary>
    public void Add(PciHost host, PciFunctionInfo function) => _places[_count++] = new FixedPlace(host, function);

    /// <summary>Tells of the place of function number <paramref name="index"/> in the order of adding (see <see cref="FixedPlace.Announce"/>).</summary>
    public Status Announce(int index, byte movedBars)
    {
        Status status = _places[index].Announce(movedBars);
        if (status == Status.Ok)
            _announced++;
        return status;
    }

    /// <summary>Takes back what the OS has not read.</summary>
    public void Withdraw()
    {
        for (int i = 0; i < _count; i++)
            _places[i].Withdraw();
        _announced = 0;
    }

    /// <summary>The function at <paramref name="address"/> if its place is told at the moment, else null.</summary>
    public FixedPlace? Find(ushort address)
    {
        if (_announced == 0)
            return null;
        for (int i = 0; i < _count; i++)
        {
            if (_places[i].Address.Value == address)
                return _places[i].IsAnnounced ? _places[i] : null;
        }
        return null;
    }
}
