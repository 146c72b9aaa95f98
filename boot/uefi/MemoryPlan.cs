using System;
using Hv.Kernel;
using Hv.Kernel.Processor;

namespace Hv.Boot.Uefi;

/// <summary>Decides which memory becomes Hv's region and the pool, and takes it from the firmware as reserved memory.</summary>
internal static unsafe class MemoryPlan
{
    /// <summary>The pool gets this share of the free memory: one part in three, so that a shadow can be half as large as the primary.</summary>
    private const ulong PoolShare = 3;
    private const ulong SmallestExtentPages = 4096;
    private const ulong OneMegabyte = 0x10_0000;

    public static bool Reserve(in MemoryMap map, ulong regionBytes, BootParameters* parameters)
    {
        ulong freePages = 0, end = 0;
        for (int i = 0; i < map.Count; i++)
        {
            EfiMemoryDescriptor* run = map[i];
            bool isMemory = run->Type != EfiMemoryType.MemoryMappedIo && run->Type != EfiMemoryType.MemoryMappedIoPortSpace &&
                run->Type != EfiMemoryType.Reserved && run->Type != EfiMemoryType.Unusable;
            if (isMemory)
                end = Math.Max(end, run->PhysicalStart + run->NumberOfPages * PageSize.Small);
            if (run->Type == EfiMemoryType.Conventional)
                freePages += run->NumberOfPages;
        }
        parameters->MemoryEnd = end;
        if (!TakeRegion(in map, regionBytes, parameters))
            return false;
        TakeWakePage(parameters);
        ulong wanted = freePages / PoolShare;
        while (wanted >= SmallestExtentPages && parameters->PoolExtents < BootParameters.MaxPoolExtents)
        {
            ulong taken = TakeLargest(in map, wanted, parameters);
            if (taken == 0)
                break;
            wanted -= Math.Min(taken, wanted);
        }
        return parameters->PoolExtents != 0;
    }

    // Below 4 GiB, so that every bus master can reach Hv's own buffers.
    private static bool TakeRegion(in MemoryMap map, ulong bytes, BootParameters* parameters)
    {
        ulong address = uint.MaxValue;
        ulong status = Firmware.Boot->AllocatePages(BootServices.AllocateMaxAddress, EfiMemoryType.Reserved, bytes / PageSize.Small, &address);
        parameters->Region = (byte*)address;
        parameters->RegionBytes = bytes;
        return !EfiStatus.IsError(status);
    }

    // Without it suspend to RAM is not offered to the OS.
    private static void TakeWakePage(BootParameters* parameters)
    {
        ulong address = WakePage.Limit - 1;
        if (!EfiStatus.IsError(Firmware.Boot->AllocatePages(BootServices.AllocateMaxAddress, EfiMemoryType.Reserved, 1, &address)))
            parameters->WakePage = (byte*)address;
    }

    // The highest part of the largest free run; what is taken is no longer free in the map that the firmware gives next.
    private static ulong TakeLargest(in MemoryMap map, ulong wanted, BootParameters* parameters)
    {
        ulong best = 0, bestStart = 0;
        if (!MemoryMap.Read(out MemoryMap now))
            return 0;
        for (int i = 0; i < now.Count; i++)
        {
            EfiMemoryDescriptor* run = now[i];
            if (run->Type != EfiMemoryType.Conventional || run->PhysicalStart < OneMegabyte)
                continue;
            if (run->NumberOfPages >= best)
            {
                best = run->NumberOfPages;
                bestStart = run->PhysicalStart;
            }
        }
        Firmware.Boot->FreePool(now.Descriptors);
        // Whole 2 MiB pages, so that the rest of memory keeps its large pages.
        const ulong pagesPerLarge = PageSize.Large / PageSize.Small;
        ulong end = (bestStart + best * PageSize.Small) & ~((ulong)PageSize.Large - 1);
        ulong available = end > bestStart ? (end - bestStart) / PageSize.Small : 0;
        ulong pages = Math.Min(available, wanted) / pagesPerLarge * pagesPerLarge;
        if (pages < SmallestExtentPages)
            return 0;
        ulong address = end - pages * PageSize.Small;
        ulong status = Firmware.Boot->AllocatePages(BootServices.AllocateAddress, EfiMemoryType.Reserved, pages, &address);
        if (EfiStatus.IsError(status))
            return 0;
        parameters->PoolStart[parameters->PoolExtents] = address;
        parameters->PoolPages[parameters->PoolExtents++] = pages;
        return pages;
    }
}
