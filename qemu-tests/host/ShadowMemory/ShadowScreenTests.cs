using System;
using System.Linq;
using System.Runtime.InteropServices;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Shadow.Memory;
using Xunit;

namespace Hv.HostTests.Shadows;

/// <summary>A frame buffer of three pages, seen through a shadow's memory.</summary>
public sealed unsafe class ShadowScreenTests : IDisposable
{
    private const int PoolPages = 64, ScreenPages = 3;
    private const int Page = (int)PageSize.Small;

    // Guest-physical addresses are real ones, so that the screen can be moved home.
    private readonly byte* _home = (byte*)NativeMemory.AlignedAlloc(ScreenPages * PageSize.Small, PageSize.Small);
    private readonly byte* _poolMemory = (byte*)NativeMemory.AlignedAlloc(PoolPages * PageSize.Small, PageSize.Small);
    private readonly PagePool _pool = new();
    private readonly ShadowScreen _screen;
    private readonly ShadowMemory _memory;

    public ShadowScreenTests()
    {
        new Span<byte>(_poolMemory, PoolPages * Page).Fill(0x99);
        Assert.Equal(Status.Ok, _pool.Add(new HostPhysical((ulong)_poolMemory), PoolPages));
        _screen = new ShadowScreen(_pool, (ulong)_home, ScreenPages * PageSize.Small - 100);
        _memory = new ShadowMemory(_pool, new SnapshotMemory(_pool), new MemoryRanges(4), new PageTable(NestedFormat.LongMode, _pool, hugePages: false), _screen);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_home);
        NativeMemory.AlignedFree(_poolMemory);
    }

    [Fact]
    public void It_is_black_until_it_is_written()
    {
        Assert.Equal((ulong)(ScreenPages * Page), _screen.Bytes);
        Assert.All(Shown(), pixel => Assert.Equal(0, pixel));
        Draw(1, 0x55);
        byte[] shown = Shown();
        Assert.All(shown[..Page], pixel => Assert.Equal(0, pixel));
        Assert.All(shown[Page..(2 * Page)], pixel => Assert.Equal(0x55, pixel));
        Assert.All(shown[(2 * Page)..], pixel => Assert.Equal(0, pixel));
    }

    [Fact]
    public void It_is_still_there_when_the_shadow_is_gone_and_black_for_the_next_one()
    {
        ulong free = _pool.FreePages;
        Draw(0, 0x55);
        _memory.Clear();
        Assert.Equal(free, _pool.FreePages);
        Assert.All(Shown()[..Page], pixel => Assert.Equal(0x55, pixel));
        _screen.Clear();
        Assert.All(Shown(), pixel => Assert.Equal(0, pixel));
        Assert.True(_memory.Provide(new GuestPhysical((ulong)_home), write: false));
        Assert.All(Shown(), pixel => Assert.Equal(0, pixel));
    }

    [Fact]
    public void It_moves_home_with_the_shadow_and_nothing_of_the_old_picture_stays()
    {
        new Span<byte>(_home, ScreenPages * Page).Fill(0x77);
        Draw(2, 0x55);
        _memory.MoveHome();
        _screen.MoveHome();
        Assert.All(new Span<byte>(_home, 2 * Page).ToArray(), pixel => Assert.Equal(0, pixel));
        Assert.All(new Span<byte>(_home + 2 * Page, Page).ToArray(), pixel => Assert.Equal(0x55, pixel));
    }

    [Fact]
    public void Reads_may_cross_pages_and_end_with_the_screen()
    {
        Draw(0, 1);
        Draw(1, 2);
        byte[] piece = new byte[20];
        Assert.Equal(20, _screen.Read((ulong)Page - 10, piece));
        Assert.Equal([.. Enumerable.Repeat((byte)1, 10), .. Enumerable.Repeat((byte)2, 10)], piece);
        Assert.Equal(5, _screen.Read((ulong)(ScreenPages * Page) - 5, piece));
        Assert.Equal(0, _screen.Read((ulong)(ScreenPages * Page), piece));
        Assert.Equal(0, _screen.Read(ulong.MaxValue, piece));
    }

    [Fact]
    public void Without_enough_pages_there_is_none_and_nothing_is_kept()
    {
        ulong free = _pool.FreePages;
        var screen = new ShadowScreen(_pool, 1 << 30, (free + 1) * PageSize.Small);
        Assert.Equal(0ul, screen.Bytes);
        Assert.False(screen.Contains(new GuestPhysical(1 << 30)));
        Assert.Equal(free, _pool.FreePages);
    }

    private void Draw(int page, byte value)
    {
        ulong address = (ulong)_home + (ulong)(page * Page);
        Assert.True(_memory.Provide(new GuestPhysical(address), write: true));
        ulong entry = _memory.Table.Lookup(address, out _);
        new Span<byte>((byte*)(entry & NestedFormat.AddressMask), Page).Fill(value);
    }

    private byte[] Shown()
    {
        byte[] bytes = new byte[_screen.Bytes];
        Assert.Equal(bytes.Length, _screen.Read(0, bytes));
        return bytes;
    }
}
