using System;
using System.Linq;
using Hv.Boot.Acpi;
using Xunit;

namespace Hv.HostTests.Boot;

public sealed class ProcessorTableTests
{
    private static readonly byte[] s_boot = [0, 8, 0, 4, 1, 0, 0, 0], s_other = [0, 8, 1, 5, 1, 0, 0, 0], s_capable = [0, 8, 2, 6, 2, 0, 0, 0],
        s_absent = [0, 8, 3, 7, 0, 0, 0, 0], s_x2 = [9, 16, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], s_ioApic = [1, 12, 0, 0, 0, 0, 0xC0, 0xFE, 0, 0, 0, 0];

    [Fact]
    public void Those_that_are_not_used_are_parked()
    {
        byte[] madt = Table(s_boot, s_other, s_ioApic, s_capable, s_absent, s_x2);
        byte[] expected = Table(s_boot, [0, 8, 1, 5, 0, 0, 0, 0], s_ioApic, [0, 8, 2, 6, 0, 0, 0, 0], s_absent, [9, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        Assert.Equal(3, ProcessorTable.ParkOthers(madt, [4]));
        Assert.Equal(0, madt.Sum(value => value) & 0xFF);
        madt[9] = expected[9];
        Assert.Equal(expected, madt);
    }

    [Fact]
    public void All_processors_that_are_used_stay()
    {
        byte[] madt = Table(s_boot, s_other, s_x2);
        byte[] before = (byte[])madt.Clone();
        Assert.Equal(0, ProcessorTable.ParkOthers(madt, [4, 5, 256]));
        Assert.Equal(before, madt);
    }

    [Fact]
    public void The_bootstrap_processor_is_listed_first_and_only_enabled_ones_are()
    {
        byte[] madt = Table(s_other, s_boot, s_ioApic, s_capable, s_absent, s_x2);
        uint[] ids = new uint[8];
        Assert.Equal(3, ProcessorTable.List(madt, 4, ids));
        Assert.Equal([4u, 5u, 256u], ids[..3]);
        Assert.Equal(2, ProcessorTable.List(madt, 4, ids.AsSpan(0, 2)));
        Assert.Equal(1, ProcessorTable.List(default, 9, ids));
        Assert.Equal(9u, ids[0]);
    }

    [Fact]
    public void A_table_with_one_processor_is_left_alone()
    {
        byte[] madt = Table(s_boot, s_absent, s_ioApic);
        byte[] before = (byte[])madt.Clone();
        Assert.Equal(0, ProcessorTable.ParkOthers(madt, [4]));
        Assert.Equal(before, madt);
    }

    [Fact]
    public void An_interrupt_is_wired_to_its_own_number_unless_the_table_says_otherwise()
    {
        byte[] madt = Table(s_boot, [2, 10, 0, 0, 2, 0, 0, 0, 0, 0], s_ioApic, [2, 10, 0, 9, 20, 0, 0, 0, 0x0D, 0], [2, 10, 0, 5, 0, 1, 0, 0, 0, 0]);
        Assert.Equal(20, ProcessorTable.GlobalInterrupt(madt, 9));
        Assert.Equal(2, ProcessorTable.GlobalInterrupt(madt, 0));
        Assert.Equal(7, ProcessorTable.GlobalInterrupt(madt, 7));
        Assert.Equal(5, ProcessorTable.GlobalInterrupt(madt, 5));
        for (int length = 0; length < madt.Length; length++)
            Assert.Contains(ProcessorTable.GlobalInterrupt(madt.AsSpan(0, length), 9), new byte[] { 9, 20 });
    }

    [Fact]
    public void Entries_that_do_not_fit_end_the_walk()
    {
        byte[] madt = Table(s_boot, [0, 200, 1, 5, 1, 0, 0, 0], s_other);
        Assert.Equal(0, ProcessorTable.ParkOthers(madt, [4]));
        Assert.Equal(0, ProcessorTable.ParkOthers(Table(s_boot, [0, 0], s_other), [4]));
    }

    private static byte[] Table(params byte[][] entries) => [.. new byte[44], .. entries.SelectMany(entry => entry)];
}
