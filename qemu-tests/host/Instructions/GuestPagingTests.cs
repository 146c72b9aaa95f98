using System;
using Hv.Kernel;
using Hv.Kernel.Instructions;
using Xunit;

namespace Hv.HostTests.Instructions;

public sealed class GuestPagingTests : IDisposable
{
    private const ulong Present = 1, Writable = 2, User = 4, Accessed = 0x20, Dirty = 0x40, Large = 0x80, NoExecute = 1ul << 63;
    private const ulong All = Present | Writable | User;
    private readonly ArrayMemory _memory = new(1 << 20);
    private PagingState _state;

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Without_paging_an_address_is_its_own_translation()
    {
        Expect(0x1_2345_6789, GuestAccess.Write | GuestAccess.User, 0x2345_6789);
    }

    [Fact]
    public void Thirty_two_bit_paging_has_two_levels()
    {
        Narrow();
        _memory.Write32(0x1000 + 0x48 * 4, 0x2000 | (uint)All);
        _memory.Write32(0x2000 + 0x345 * 4, 0xabcd_e000 | (uint)All);
        Expect(0x1234_5678, GuestAccess.Write | GuestAccess.User, 0xabcd_e678);
        Assert.Equal(0x2000 | All | Accessed, _memory.Read32(0x1000 + 0x48 * 4));
        Assert.Equal(0xabcd_e000 | All | Accessed | Dirty, _memory.Read32(0x2000 + 0x345 * 4));
    }

    [Fact]
    public void A_4_MiB_page_reaches_40_bits()
    {
        Narrow();
        _state.Cr4 = PagingState.Cr4PageSizeExtensions;
        _memory.Write32(0x1000 + 0x48 * 4, 0x0040_0000 | 0xa5 << 13 | (uint)(All | Large));
        Expect(0x1234_5678, GuestAccess.Read, 0xa5_0040_0000 + 0x34_5678);
        _memory.Write32(0x1000 + 0x48 * 4, 0x0060_0000 | (uint)(All | Large));
        ExpectFault(0x1234_5678, GuestAccess.Read, 9);
        _state.PhysicalAddressBits = 36;
        _memory.Write32(0x1000 + 0x48 * 4, 0x0040_0000 | 0x10 << 13 | (uint)(All | Large));
        ExpectFault(0x1234_5678, GuestAccess.Read, 9);
    }

    [Fact]
    public void Without_PSE_the_large_bit_means_nothing()
    {
        Narrow();
        _memory.Write32(0x1000 + 0x48 * 4, 0x2000 | (uint)(All | Large));
        _memory.Write32(0x2000 + 0x345 * 4, 0x5000 | (uint)All);
        Expect(0x1234_5678, GuestAccess.Read, 0x5678);
    }

    [Fact]
    public void PAE_has_pointers_without_rights()
    {
        _state.Cr0 = PagingState.Cr0Paging;
        _state.Cr3 = 0x1020;
        _state.Cr4 = PagingState.Cr4PhysicalAddressExtension;
        _state.PhysicalAddressBits = 40;
        _memory.Write64(0x1020 + 3 * 8, 0x2000 | Present);
        _memory.Write64(0x2000 + 0x1ff * 8, 0x3000 | All);
        _memory.Write64(0x3000 + 0x1ff * 8, 0xab_cdef_0000 | All);
        Expect(0xffff_fabc, GuestAccess.Write | GuestAccess.User, 0xab_cdef_0abc);
        Assert.Equal(0x2000 | Present, _memory.Read64(0x1020 + 3 * 8));
        _memory.Write64(0x1020 + 3 * 8, 0x2000 | Present | Writable);
        ExpectFault(0xffff_fabc, GuestAccess.Read, 9);
    }

    [Theory]
    [InlineData(1, 0x1234_5678ul)]
    [InlineData(2, 0x1234_5678ul)]
    [InlineData(3, 0x1234_5678ul)]
    public void Four_levels_have_pages_of_three_sizes(int leafLevel, ulong address)
    {
        Wide();
        ulong frame = leafLevel switch { 1 => 0x7_0000_1000, 2 => 0x7_0020_0000, _ => 0x7_4000_0000ul };
        Map(4, leafLevel, address, frame, All);
        ulong mask = (1ul << (12 + 9 * (leafLevel - 1))) - 1;
        Expect(address, GuestAccess.Write, frame | (address & mask));
    }

    [Fact]
    public void Five_levels_translate_57_bits()
    {
        Wide();
        _state.Cr4 |= PagingState.Cr4FiveLevels;
        const ulong Address = 0x00a5_1234_5678_9abc;
        Map(5, 1, Address, 0x1_2345_6000, All);
        Expect(Address, GuestAccess.Read, 0x1_2345_6abc);
        ExpectFault(Address ^ (1ul << 50), GuestAccess.Read, 0);
    }

    [Fact]
    public void The_PAT_bit_of_a_large_page_is_allowed_and_the_other_low_bits_are_not()
    {
        Wide();
        Map(4, 2, 0, 0x20_0000 | 1 << 12, All);
        Expect(0x1234, GuestAccess.Read, 0x20_1234);
        Map(4, 2, 0, 0x20_0000 | 1 << 13, All);
        ExpectFault(0x1234, GuestAccess.Read, 9);
    }

    [Fact]
    public void Bits_beyond_the_physical_address_width_are_reserved()
    {
        Wide();
        Map(4, 1, 0, 1ul << 39, All);
        Expect(0x10, GuestAccess.Read, (1ul << 39) + 0x10);
        Map(4, 1, 0, 1ul << 40, All);
        ExpectFault(0x10, GuestAccess.User, 4 | 9);
    }

    [Theory]
    [InlineData(All, GuestAccess.Write | GuestAccess.User, true, -1)]
    [InlineData(Present | User, GuestAccess.Write | GuestAccess.User, true, 7)]
    [InlineData(Present | User, GuestAccess.Write, true, 3)]
    [InlineData(Present | User, GuestAccess.Write, false, -1)]
    [InlineData(Present | Writable, GuestAccess.User, true, 5)]
    [InlineData(Present | Writable, GuestAccess.User | GuestAccess.Fetch, true, 0x15)]
    [InlineData(All | NoExecute, GuestAccess.User | GuestAccess.Fetch, true, 0x15)]
    [InlineData(All | NoExecute, GuestAccess.User, true, -1)]
    [InlineData(0ul, GuestAccess.Write | GuestAccess.User, true, 6)]
    public void Rights_are_checked_as_the_processor_checks_them(ulong rights, GuestAccess access, bool writeProtect, int error)
    {
        Wide();
        _state.Cr0 = PagingState.Cr0Paging | (writeProtect ? PagingState.Cr0WriteProtect : 0);
        Map(4, 1, 0x1000, 0x8000, rights);
        Check(0x1000, access, 0x8000, error);
    }

    [Theory]
    [InlineData(GuestAccess.Read, -1)]
    [InlineData(GuestAccess.Fetch, 0x11)]
    [InlineData(GuestAccess.User | GuestAccess.Fetch, -1)]
    public void SMEP_keeps_the_supervisor_from_executing_user_pages(GuestAccess access, int error)
    {
        Wide();
        _state.Cr4 |= PagingState.Cr4Smep;
        Map(4, 1, 0x1000, 0x8000, All);
        Check(0x1000, access, 0x8000, error);
    }

    [Theory]
    [InlineData(GuestAccess.Read, 1)]
    [InlineData(GuestAccess.Write, 3)]
    [InlineData(GuestAccess.Read | GuestAccess.SmapSuspended, -1)]
    [InlineData(GuestAccess.User, -1)]
    [InlineData(GuestAccess.Fetch, -1)]
    public void SMAP_keeps_the_supervisor_from_touching_user_pages(GuestAccess access, int error)
    {
        Wide();
        _state.Cr4 |= PagingState.Cr4Smap;
        Map(4, 1, 0x1000, 0x8000, All);
        Check(0x1000, access, 0x8000, error);
    }

    [Fact]
    public void Without_NXE_the_no_execute_bit_is_reserved_and_fetches_are_not_told_apart()
    {
        Wide();
        _state.Efer = PagingState.EferLongModeActive;
        Map(4, 1, 0x1000, 0x8000, All | NoExecute);
        ExpectFault(0x1000, GuestAccess.Fetch, 9);
        Map(4, 1, 0x1000, 0x8000, 0);
        ExpectFault(0x1000, GuestAccess.Fetch, 0);
    }

    [Fact]
    public void A_table_outside_of_memory_is_not_present()
    {
        Wide();
        _state.Cr3 = 0x8000_0000;
        ExpectFault(0x1000, GuestAccess.Write, 2);
    }

    [Fact]
    public void A_refused_access_does_not_make_the_page_dirty()
    {
        Wide();
        Map(4, 1, 0x1000, 0x8000, Present | User);
        ExpectFault(0x1000, GuestAccess.Write | GuestAccess.User, 7);
        Assert.Equal(0x8000 | Present | User, _memory.Read64(0x4000 + 8));
    }

    [Fact]
    public void Random_tables_and_registers_never_make_it_fail()
    {
        var random = new Random(11);
        byte[] page = new byte[4096];
        for (ulong at = 0; at < 0x10000; at += 0x1000)
        {
            random.NextBytes(page);
            for (int i = 0; i < page.Length; i += 8)
            {
                page[i] |= 1;
                page[i + 2] = (byte)random.Next(2);
                page.AsSpan(i + 3, 5).Clear();
            }
            _memory.Write(at, page);
        }
        int translated = 0;
        for (int i = 0; i < 100_000; i++)
        {
            _state.Cr0 = (ulong)random.NextInt64() | PagingState.Cr0Paging;
            _state.Cr3 = (ulong)random.Next(0x10000);
            _state.Cr4 = (ulong)random.NextInt64();
            _state.Efer = (ulong)random.NextInt64();
            _state.PhysicalAddressBits = (byte)random.Next(256);
            var access = (GuestAccess)((uint)random.Next() & (uint)(GuestAccess.Write | GuestAccess.User | GuestAccess.Fetch));
            if (GuestPaging.Translate(in _state, _memory, new GuestVirtual((ulong)random.NextInt64()), access, out _, out uint error))
                translated++;
            else
                Assert.Equal(0u, error & ~0x1fu);
        }
        Assert.True(translated > 100);
    }

    [Fact]
    public void An_instruction_is_fetched_across_a_page_boundary()
    {
        InstructionContext context = FetchContext(0x1ffa);
        Map(4, 1, 0x1000, 0x9000, Present);
        Map(4, 1, 0x2000, 0x7000, Present);
        _memory.Write(0x9ffa, [1, 2, 3, 4, 5, 6]);
        _memory.Write(0x7000, [7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        byte[] bytes = new byte[15];
        Assert.Equal(15, InstructionFetcher.Fetch(in context, _memory, bytes, out _));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], bytes);
    }

    [Fact]
    public void A_fetch_stops_where_the_next_page_is_missing()
    {
        InstructionContext context = FetchContext(0x1ffa);
        context.PrivilegeLevel = 3;
        Map(4, 1, 0x1000, 0x9000, Present | User);
        byte[] bytes = new byte[15];
        Assert.Equal(6, InstructionFetcher.Fetch(in context, _memory, bytes, out uint error));
        Assert.Equal(0x14u, error);
        context.Rip = 0x2000;
        Assert.Equal(0, InstructionFetcher.Fetch(in context, _memory, bytes, out _));
    }

    [Fact]
    public void The_code_segment_base_counts_outside_of_64_bit_mode_only()
    {
        InstructionContext context = FetchContext(0x10);
        context.Segments.Cs = 0xffff_fff0;
        Map(4, 1, 0, 0x9000, Present);
        _memory.Write(0x9000, [0xaa]);
        _memory.Write(0x9010, [0xbb]);
        byte[] bytes = new byte[15];
        InstructionFetcher.Fetch(in context, _memory, bytes, out _);
        Assert.Equal(0xbb, bytes[0]);
        context.Mode = CodeSize.Bits16;
        InstructionFetcher.Fetch(in context, _memory, bytes, out _);
        Assert.Equal(0xaa, bytes[0]);
    }

    private InstructionContext FetchContext(ulong rip)
    {
        Wide();
        InstructionContext context = default;
        context.Mode = CodeSize.Bits64;
        context.Rip = rip;
        context.Paging = _state;
        return context;
    }

    private void Narrow()
    {
        _state.Cr0 = PagingState.Cr0Paging | PagingState.Cr0WriteProtect;
        _state.Cr3 = 0x1018;
        _state.PhysicalAddressBits = 40;
    }

    private void Wide()
    {
        _state.Cr0 = PagingState.Cr0Paging | PagingState.Cr0WriteProtect;
        _state.Cr3 = 0x1018;
        _state.Cr4 = PagingState.Cr4PhysicalAddressExtension;
        _state.Efer = PagingState.EferLongModeActive | PagingState.EferNoExecute;
        _state.PhysicalAddressBits = 40;
    }

    // The table of the highest level lies at 1000h, each lower one a page further on.
    private void Map(int levels, int leafLevel, ulong address, ulong frame, ulong rights)
    {
        ulong table = 0x1000;
        for (int level = levels; level >= leafLevel; level--)
        {
            ulong entry = level > leafLevel ? (table + 0x1000) | All : frame | rights | (level > 1 ? Large : 0);
            _memory.Write64(table + ((address >> (12 + 9 * (level - 1))) & 0x1ff) * 8, entry);
            table += 0x1000;
        }
    }

    private void Check(ulong address, GuestAccess access, ulong expected, int error)
    {
        if (error < 0)
            Expect(address, access, expected);
        else
            ExpectFault(address, access, (uint)error);
    }

    private void Expect(ulong address, GuestAccess access, ulong expected)
    {
        Assert.True(GuestPaging.Translate(in _state, _memory, new GuestVirtual(address), access, out GuestPhysical physical, out uint error), $"error {error:x}");
        Assert.Equal(expected, physical.Value);
    }

    private void ExpectFault(ulong address, GuestAccess access, uint expected)
    {
        Assert.False(GuestPaging.Translate(in _state, _memory, new GuestVirtual(address), access, out _, out uint error));
        Assert.Equal(expected, error);
    }
}
