using Hv.Drivers.Iommu;
using Hv.Drivers.Pci;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;

namespace Hv.Drivers.Quiesce;

/// <summary>Quiesces the passed-through PCI functions at a switch, all at the same time.</summary>
/// <remarks>Made and filled at boot, when the functions are as the boot snapshot has them; run while no guest runs, under Hv's PCI lock.</remarks>
public sealed class Quiescer
{
    private readonly PciHost _host;
    private readonly PciHost? _extendedHost;
    private readonly MmioDevice _memory;
    private readonly PortDevice _ports;
    private readonly TimeSource _time;
    private readonly PciFunctionTable _table;
    private readonly FunctionQuiescer[] _functions;
    private readonly UnknownFunctions _unknown;

    /// <summary>
    /// For up to <paramref name="capacity"/> functions of <paramref name="table"/>; offsets in <paramref name="memory"/> are host-physical addresses.
    /// <paramref name="extendedHost"/> reaches the extended configuration space of all of them, where the machine has that.
    /// </summary>
    public Quiescer(PciHost host, PciHost? extendedHost, MmioDevice memory, PortDevice ports, TimeSource time, PciFunctionTable table, int capacity)
    {
        _host = host;
        _extendedHost = extendedHost;
        _memory = memory;
        _ports = ports;
        _time = time;
        _table = table;
        _functions = new FunctionQuiescer[capacity];
        _unknown = new UnknownFunctions(host, table);
        Places = new FixedPlaces(capacity);
    }

    /// <summary>The functions' places, told to the OS that finds them anew.</summary>
    public FixedPlaces Places { get; }

    /// <summary>The machine's remapping units, if Hv has them: they cut off functions that will not quiet. Null otherwise.</summary>
    public DmaRemapping? Remapping { get; set; }

    /// <summary>How many functions were added.</summary>
    public int Count { get; private set; }

    /// <summary>How many functions that were not there at boot were cut off at the last <see cref="Run"/>.</summary>
    public int UnknownCount { get; private set; }

    /// <summary>Function number <paramref name="index"/>.</summary>
    public PciFunctionInfo Function(int index) => _functions[index].Function;

    /// <summary>The resets that function number <paramref name="index"/> offers.</summary>
    public ResetMethod Offered(int index) => _functions[index].OfferedResets;

    /// <summary>What was done to function number <paramref name="index"/> at the last <see cref="Run"/>.</summary>
    public QuiesceReport Report(int index) => _functions[index].Report;

    /// <summary>
    /// Adds a passed-through function and saves its configuration space. Allocates: at boot only.
    /// <see cref="Status.Unsupported"/>: a bridge is never quiesced. <see cref="Status.OutOfMemory"/>: the capacity is used up.
    /// </summary>
    public Status Add(PciFunctionInfo function)
    {
        if (function.IsBridge)
            return Status.Unsupported;
        if (Count == _functions.Length)
            return Status.OutOfMemory;
        var boot = new PciConfigSnapshot();
        boot.Save(_host, function.Address);
        Places.Add(_host, function);
        _functions[Count++] = new FunctionQuiescer(_host, _extendedHost, _memory, _ports, _time, function, boot, _table.IsAloneOnBus(function));
        return Status.Ok;
    }

    /// <summary>
    /// Quiesces every function, and cuts off those that were not there at boot; returns when all are quiet or given up. Bounded by the slowest function: normally 0.1 s,
    /// at worst a few seconds. <see cref="Status.Ok"/>, or the first failure; the reports tell the rest.
    /// </summary>
    public Status Run()
    {
        UnknownCount = _unknown.CutOff();
        for (int index = 0; index < Count; index++)
            _functions[index].Begin();
        int left = Count;
        while (left != 0)
        {
            left = 0;
            for (int index = 0; index < Count; index++)
            {
                if (!_functions[index].Step())
                    left++;
            }
        }
        Status status = Status.Ok;
        for (int index = 0; index < Count; index++)
        {
            _functions[index].LookAgain(Remapping, _table);
            if (status == Status.Ok)
                status = _functions[index].Report.Status;
        }
        Remapping?.CollectFaults();
        return status;
    }

    /// <summary>
    /// After <see cref="Run"/>: gives every function the command register that it had at boot, for a system that starts as from a reset. False: a function could
    /// not be silenced, or only by cutting it off, and only a real reset brings it back.
    /// </summary>
    public bool RestoreCommands()
    {
        bool all = true;
        for (int index = 0; index < Count; index++)
        {
            QuiesceReport report = _functions[index].Report;
            bool isQuiet = report.Status is Status.Ok or Status.Unsupported && !report.WasIsolated;
            if (isQuiet)
                _functions[index].RestoreCommand();
            all &= isQuiet || report.Status == Status.NotFound;
        }
        return all;
    }

    /// <summary>
    /// After <see cref="Run"/>: says to the OS that finds the functions next that their registers stay where they are, that is, where a normal boot
    /// has them. Functions that are not as at boot are left out, and BARs that the OS before had moved: the next one may have no use for the firmware's addresses either.
    /// </summary>
    public void AnnouncePlaces()
    {
        Places.Withdraw();
        for (int index = 0; index < Count; index++)
        {
            if (_functions[index].IsInPlace)
                _ = Places.Announce(index, _functions[index].Report.MovedBars);
        }
    }
}
