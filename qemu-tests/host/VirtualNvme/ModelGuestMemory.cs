using System;
using System.Collections.Generic;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.HostTests;

/// <summary>A VM's memory from address 0 on; there is nothing behind its end and in its holes. Notices writes just outside of it.</summary>
public sealed unsafe class ModelGuestMemory : GuestMemory, IDisposable
{
    private const byte Guard = 0xA5;

    private readonly DiskMemory _memory;

    public ModelGuestMemory(int pages)
    {
        _memory = new DiskMemory(pages + 2, low: false);
        Guards(0).Fill(Guard);
        Guards(pages + 1).Fill(Guard);
        Pages = pages;
    }

    public HashSet<ulong> Holes { get; } = [];

    public int Pages { get; }

    public Span<byte> Bytes => new(_memory.Page(1), Pages * (int)PageSize.Small);

    public override byte* Page(GuestPhysical address, bool write) =>
        address.PageNumber < (ulong)Pages && !Holes.Contains(address.PageNumber) ? _memory.Page((int)address.PageNumber + 1) : null;

    public void Dispose()
    {
        bool harmed = Guards(0).ContainsAnyExcept(Guard) || Guards(Pages + 1).ContainsAnyExcept(Guard);
        _memory.Dispose();
        if (harmed)
            throw new InvalidOperationException("memory outside of the guest's was written");
    }

    private Span<byte> Guards(int page) => new(_memory.Page(page), (int)PageSize.Small);
}
