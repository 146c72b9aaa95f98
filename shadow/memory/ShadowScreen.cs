using System;
using Hv.Kernel.Memory;
using Hv.Kernel;

namespace Hv.Shadow.Memory;

/// <summary>
/// The frame buffer of shadows. Its pages are taken from the pool once and for all, so that the last screen of a shadow can be looked at when the shadow is
/// gone.
/// </summary>
/// <remarks>With the machine's lock, or while the other processors are stopped.</remarks>
public sealed unsafe class ShadowScreen
{
    // Pages are aligned, so the lowest bit of their addresses is free to say that the shadow has touched the page.
    private const ulong Touched = 1;

    private readonly ulong _address;
    private readonly ulong[] _pages;

    /// <summary>For the frame buffer at <paramref name="address"/> (guest-physical, at the start of a page; 0 bytes: there is none). While booting only.</summary>
    public ShadowScreen(PagePool pool, ulong address, ulong bytes)
    {
        _address = address;
        _pages = new ulong[(int)((bytes + PageSize.Small - 1) >> PageSize.SmallShift)];
        for (int i = 0; i < _pages.Length; i++)
        {
            _pages[i] = (ulong)pool.TakePageUncleared();
            if (_pages[i] != 0)
                continue;
            while (--i >= 0)
                pool.ReturnPage((byte*)_pages[i]);
            _pages = [];
        }
    }

    /// <summary>The frame buffer's size in bytes, whole pages.</summary>
    public ulong Bytes => (ulong)_pages.Length << PageSize.SmallShift;

    /// <summary>Its first address.</summary>
    public ulong Start => _address;

    /// <summary>The address behind it.</summary>
    public ulong End => _address + Bytes;

    /// <summary>Whether a page is the frame buffer's.</summary>
    public bool Contains(GuestPhysical page) => page.Value >= Start && page.Value < End;

    /// <summary>The memory of a page of it, which the shadow is about to touch: black at first.</summary>
    public byte* Touch(GuestPhysical page)
    {
        int index = (int)((page.Value - _address) >> PageSize.SmallShift);
        byte* memory = (byte*)(_pages[index] & ~Touched);
        if ((_pages[index] & Touched) == 0)
            new Span<byte>(memory, (int)PageSize.Small).Clear();
        _pages[index] |= Touched;
        return memory;
    }

    /// <summary>A new shadow begins: the screen is black.</summary>
    public void Clear()
    {
        for (int i = 0; i < _pages.Length; i++)
            _pages[i] &= ~Touched;
    }

    /// <summary>Copies the screen to the real frame buffer. What the shadow has not touched is black there, too: nothing of the old system's picture stays.</summary>
    public void MoveHome()
    {
        for (int i = 0; i < _pages.Length; i++)
        {
            var home = new Span<byte>((byte*)(_address + ((ulong)i << PageSize.SmallShift)), (int)PageSize.Small);
            if ((_pages[i] & Touched) != 0)
                new ReadOnlySpan<byte>((byte*)(_pages[i] & ~Touched), (int)PageSize.Small).CopyTo(home);
            else
                home.Clear();
        }
    }

    /// <summary>Reads what is shown, or was shown last, from byte <paramref name="offset"/> on; gives how many bytes were there, 0 at the end.</summary>
    public int Read(ulong offset, Span<byte> bytes)
    {
        if (offset >= Bytes)
            return 0;
        int count = (int)Math.Min((ulong)bytes.Length, Bytes - offset);
        for (int done = 0; done < count;)
        {
            ulong page = _pages[(int)((offset + (uint)done) >> PageSize.SmallShift)];
            int inPage = (int)((offset + (uint)done) & (PageSize.Small - 1));
            int part = Math.Min(count - done, (int)PageSize.Small - inPage);
            Span<byte> target = bytes.Slice(done, part);
            if ((page & Touched) != 0)
                new ReadOnlySpan<byte>((byte*)(page & ~Touched) + inPage, part).CopyTo(target);
            else
                target.Clear();
            done += part;
        }
        return count;
    }
}
