using System;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.Shadow.Machine;

/// <summary>Fills a nested page table with the machine as it is: guest-physical = host-physical, less what belongs to Hv.</summary>
public sealed class IdentityMap
{
    private readonly HvMemory _own;
    private readonly MtrrMap? _types;
    private readonly MtrrMap _ranges;
    private readonly ulong _physicalEnd;

    /// <summary>
    /// <paramref name="types"/>: the MTRRs, for a format that carries memory types itself (EPT); null where the processor applies the
    /// MTRRs to nested translations too (NPT).
    /// </summary>
    public IdentityMap(HvMemory own, MtrrMap? types, byte physicalBits)
    {
        _own = own;
        _types = types;
        _ranges = types ?? MtrrMap.OfThisProcessor(physicalBits);
        _physicalEnd = Math.Min(1ul << physicalBits, PageTable.Reach);
    }

    /// <summary>Maps all memory and the device registers below it, with the largest pages.</summary>
    public Status MapAll(PageTable table) => MapRange(table, 0, End);

    /// <summary>Where <see cref="MapAll"/> ends.</summary>
    public ulong End
    {
        get
        {
            const ulong fourGigabytes = 1ul << 32;
            ulong end = Math.Max(fourGigabytes, (_own.MemoryEnd + PageSize.Huge - 1) & ~((ulong)PageSize.Huge - 1));
            return Math.Min(end, _physicalEnd);
        }
    }

    /// <summary>
    /// Maps the gigabyte around an address above all memory: device registers there are found as they are used.
    /// <see cref="Status.BadAddress"/> if the address is Hv's or beyond what the processor can address.
    /// </summary>
    public Status MapAround(PageTable table, GuestPhysical address)
    {
        if (address.Value >= _physicalEnd || _own.Overlaps(address.PageBase.Value, PageSize.Small))
            return Status.BadAddress;
        if (table.Lookup(address.Value, out _) != 0)
            return Status.BadAddress;
        ulong start = address.Value & ~((ulong)PageSize.Huge - 1);
        return MapRange(table, start, start + PageSize.Huge);
    }

    /// <summary>Maps one page back to itself, for instance after a virtual device's registers moved away from it.</summary>
    public Status MapPage(PageTable table, GuestPhysical page)
    {
        if (page.Value >= _physicalEnd || _own.Overlaps(page.PageBase.Value, PageSize.Small))
            return Status.BadAddress;
        return MapRange(table, page.PageBase.Value, page.PageBase.Value + PageSize.Small);
    }

    /// <summary>Whether the MTRRs say that an address is memory.</summary>
    public bool IsMemory(HostPhysical address) => _ranges.TypeAt(address, out _) == MemoryType.WriteBack;

    /// <summary>Maps [start, end) one to one, Hv's own memory left out.</summary>
    public Status MapRange(PageTable table, ulong start, ulong end)
    {
        while (start < end)
        {
            ulong stop = end;
            bool own = false;
            for (int i = 0; i < _own.Count; i++)
            {
                if (start >= _own.Start(i) && start < _own.End(i))
                {
                    own = true;
                    stop = Math.Min(end, _own.End(i));
                }
                else if (_own.Start(i) > start)
                {
                    stop = Math.Min(stop, _own.Start(i));
                }
            }
            MemoryType type = MemoryType.WriteBack;
            if (!own && _types != null)
            {
                type = _types.TypeAt(new HostPhysical(start), out ulong typeEnd);
                // Neighbouring ranges of one type become one mapping, so that it can use large pages.
                while (typeEnd < stop && _types.TypeAt(new HostPhysical(typeEnd), out ulong next) == type)
                    typeEnd = next;
                stop = Math.Min(stop, typeEnd);
            }
            Status status = own
                ? table.Unmap(start, stop - start)
                : table.Map(start, new HostPhysical(start), stop - start, PageAccess.All, type);
            if (status != Status.Ok)
                return status;
            start = stop;
        }
        return Status.Ok;
    }
}
