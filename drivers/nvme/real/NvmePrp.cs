using System;
using Hv.Drivers.Block;
using Hv.Kernel;

namespace Hv.Drivers.Nvme.Real;

/// <summary>Physical region pages: how a command names its memory (NVM Express 1.4, 4.3).</summary>
public static unsafe class NvmePrp
{
    /// <summary>
    /// Describes <paramref name="segments"/> by the two entries of a command, using <paramref name="list"/> for what does not fit
    /// there. The list has room for <paramref name="capacity"/> entries and lies within one page. False: it needs more.
    /// </summary>
    public static bool Build(ReadOnlySpan<BlockSegment> segments, ulong* list, int capacity, out ulong prp1, out ulong prp2)
    {
        prp1 = 0;
        prp2 = 0;
        int pages = 0;
        for (int index = 0; index < segments.Length; index++)
        {
            ulong end = segments[index].End;
            for (ulong at = segments[index].Address.Value; at < end; at = (at | (PageSize.Small - 1)) + 1)
            {
                if (pages == 0)
                    prp1 = at;
                else if (pages > capacity)
                    return false;
                else
                    list[pages - 1] = at;
                pages++;
            }
        }
        if (pages == 2)
            prp2 = list[0];
        else if (pages > 2)
            prp2 = (ulong)list;
        return pages > 0;
    }
}
