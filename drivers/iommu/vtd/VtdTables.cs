using System;
using System.Threading;
using Hv.Drivers.Pci.Host;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Drivers.Iommu.Vtd;

/// <summary>
/// Root table and context tables (Intel VT-d 3.3, 9.1 and 9.3), the same for all units. Buses on which Hv knows no device share one context table, in which
/// every function is a guest's: a device that the OS finds there later works as any other.
/// </summary>
public sealed unsafe class VtdTables
{
    private const int Buses = 256, WordsPerEntry = 2;
    private const ulong Present = 1;
    private const int DomainShift = 8;
    private const ulong GuestsDomain = 1, EverythingDomain = 2;

    private readonly ulong* _root;
    private readonly ulong* _common;
    private readonly ulong[] _contexts = new ulong[Buses];
    private readonly ulong _guests;
    private readonly ulong _everything;
    private readonly ulong _levels;

    private VtdTables(ulong* root, ulong* common, HostPhysical guests, HostPhysical everything, int levels)
    {
        _root = root;
        _common = common;
        _guests = guests.Value;
        _everything = everything.Value;
        _levels = (ulong)levels;
    }

    /// <summary>The root table.</summary>
    public HostPhysical Root => new((ulong)_root);

    /// <summary>
    /// Tables in which every function has <see cref="DmaAccess.Guests"/>. <paramref name="guests"/> and <paramref name="everything"/> are second-level tables of
    /// <paramref name="levels"/> levels, 3 or 4. <see cref="Status.OutOfMemory"/>: no page. Allocates: at boot only.
    /// </summary>
    public static Result<VtdTables> Build(PageSource pages, HostPhysical guests, HostPhysical everything, int levels)
    {
        byte* root = pages.TakePage(), common = pages.TakePage();
        if (root == null || common == null)
            return Status.OutOfMemory;
        var tables = new VtdTables((ulong*)root, (ulong*)common, guests, everything, levels);
        for (int function = 0; function < Buses; function++)
            tables.Write(tables._common, function, DmaAccess.Guests);
        for (int bus = 0; bus < Buses; bus++)
            tables._root[bus * WordsPerEntry] = (ulong)common | Present;
        return tables;
    }

    /// <summary>Gives a bus a context table of its own, so that <see cref="Set"/> can be used. <see cref="Status.OutOfMemory"/>: no page.</summary>
    public Status AddBus(PageSource pages, int bus)
    {
        if (_contexts[bus] != 0)
            return Status.Ok;
        byte* page = pages.TakePage();
        if (page == null)
            return Status.OutOfMemory;
        new ReadOnlySpan<byte>(_common, (int)PageSize.Small).CopyTo(new Span<byte>(page, (int)PageSize.Small));
        _contexts[bus] = (ulong)page;
        Volatile.Write(ref _root[bus * WordsPerEntry], (ulong)page | Present);
        return Status.Ok;
    }

    /// <summary>Changes what a requester reaches; the units are invalidated by the caller. <see cref="Status.NotFound"/>: its bus was not added.</summary>
    public Status Set(PciAddress requester, DmaAccess access)
    {
        ulong context = _contexts[requester.Bus];
        if (context == 0)
            return Status.NotFound;
        Write((ulong*)context, requester.Value & 0xFF, access);
        return Status.Ok;
    }

    // Absent first and present last: a unit never sees half an entry.
    private void Write(ulong* context, int function, DmaAccess access)
    {
        ulong* entry = context + function * WordsPerEntry;
        Volatile.Write(ref entry[0], 0);
        bool everything = access == DmaAccess.Everything;
        Volatile.Write(ref entry[1], (everything ? EverythingDomain : GuestsDomain) << DomainShift | (_levels - 2));
        if (access != DmaAccess.Nothing)
            Volatile.Write(ref entry[0], (everything ? _everything : _guests) | Present);
    }
}
