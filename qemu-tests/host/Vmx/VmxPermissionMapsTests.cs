using System;
using Hv.Kernel;
using Hv.Kernel.Memory;
using Hv.Kernel.Processor;
using Hv.Kernel.Vmx;
using Xunit;

namespace Hv.HostTests;

public sealed unsafe class VmxPermissionMapsTests : IDisposable
{
    private const int Pages = 3;

    private readonly DiskMemory _memory = new(Pages, low: false);
    private readonly VmxPermissionMaps _maps;

    public VmxPermissionMapsTests()
    {
        byte* start = _memory.Page(0);
        _maps = new VmxPermissionMaps(new RegionPages(start, start + Pages * PageSize.Small));
    }

    public void Dispose() => _memory.Dispose();

    private static bool Bit(byte* map, uint number) => (map[number / 8] >> (int)(number % 8) & 1) != 0;

    [Fact]
    public void Ports_have_a_bit_each_over_two_pages()
    {
        _maps.SetPort(0xCF8, true);
        _maps.SetPort(0xFFFF, true);
        Assert.True(Bit(_maps.Io, 0xCF8));
        Assert.True(Bit(_maps.Io + PageSize.Small, 0x7FFF));
        Assert.False(Bit(_maps.Io, 0xCF9));
        _maps.SetPort(0xCF8, false);
        Assert.False(Bit(_maps.Io, 0xCF8));
        _maps.SetAllPorts();
        Assert.True(Bit(_maps.Io, 0) && Bit(_maps.Io, 0x8000));
    }

    [Fact]
    public void Reads_and_writes_of_low_and_high_MSRs_have_a_quarter_page_each()
    {
        _maps.SetMsr(Msr.ApicBase, exitOnRead: false, exitOnWrite: true);
        Assert.False(Bit(_maps.Msrs, Msr.ApicBase));
        Assert.True(Bit(_maps.Msrs + 0x800, Msr.ApicBase));
        _maps.SetMsr(Msr.Efer, exitOnRead: true, exitOnWrite: false);
        Assert.True(Bit(_maps.Msrs + 0x400, Msr.Efer & 0x1FFF));
        Assert.False(Bit(_maps.Msrs + 0xC00, Msr.Efer & 0x1FFF));
        _maps.SetMsr(Msr.Efer, exitOnRead: false, exitOnWrite: false);
        Assert.False(Bit(_maps.Msrs + 0x400, Msr.Efer & 0x1FFF));
    }

    [Theory]
    [InlineData(0x2000u)]
    [InlineData(Msr.VmCr)]
    [InlineData(0xFFFF_FFFFu)]
    public void MSRs_that_no_map_covers_exit_anyway_and_change_none(uint msr)
    {
        _maps.SetMsr(msr, true, true);
        Assert.Equal(-1, new ReadOnlySpan<byte>(_maps.Msrs, (int)PageSize.Small).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void A_primary_cannot_reach_the_MSRs_of_VMX()
    {
        _maps.FillPrimary();
        for (uint msr = Msr.VmxBasic; msr <= Msr.VmxLast; msr++)
            Assert.True(Bit(_maps.Msrs, msr) && Bit(_maps.Msrs + 0x800, msr));
        Assert.True(Bit(_maps.Msrs, Msr.FeatureControl) && Bit(_maps.Msrs + 0x800, Msr.FeatureControl));
        Assert.False(Bit(_maps.Msrs, Msr.SysenterCs));
    }
}
