using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Memory;

namespace Hv.HostTests.Instructions;

/// <summary>Guest memory of single pages, made on demand below a limit; other pages have no memory.</summary>
internal sealed unsafe class ArrayMemory(ulong limit) : GuestMemory, IDisposable
{
    private readonly Dictionary<ulong, nint> _pages = [];
    private readonly HashSet<ulong> _holes = [];

    public void MakeHole(ulong address) => _holes.Add(address >> PageSize.SmallShift);

    public override byte* Page(GuestPhysical address, bool write)
    {
        if (address.Value >= limit || _holes.Contains(address.PageNumber))
            return null;
        if (!_pages.TryGetValue(address.PageNumber, out nint page))
        {
            page = (nint)NativeMemory.AlignedAlloc(PageSize.Small, PageSize.Small);
            new Span<byte>((void*)page, (int)PageSize.Small).Clear();
            _pages.Add(address.PageNumber, page);
        }
        return (byte*)page;
    }

    public void Write(ulong address, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            var at = new GuestPhysical(address++);
            Page(at, true)[at.PageOffset] = value;
        }
    }

    public byte[] Read(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            var at = new GuestPhysical(address + (uint)i);
            bytes[i] = Page(at, false)[at.PageOffset];
        }
        return bytes;
    }

    public ulong Read64(ulong address) => BitConverter.ToUInt64(Read(address, 8));

    public uint Read32(ulong address) => BitConverter.ToUInt32(Read(address, 4));

    public void Write64(ulong address, ulong value) => Write(address, BitConverter.GetBytes(value));

    public void Write32(ulong address, uint value) => Write(address, BitConverter.GetBytes(value));

    public void Dispose()
    {
        foreach (nint page in _pages.Values)
            NativeMemory.AlignedFree((void*)page);
        _pages.Clear();
    }
}
