using System.Collections.Generic;
using Hv.Drivers.Platform;
using Hv.Kernel;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>Several local APICs: whom messages reach, and what a processor that is started hears.</summary>
public sealed class MultiApicTests
{
    private const int Processors = 4;
    // IDs 0, 1, 16 and 35: two clusters of x2APIC mode besides the first.
    private static readonly uint[] Ids = [0, 1, 16, 35];

    private readonly VirtualClock clock = new();
    private readonly PlatformInterrupts hub;

    public MultiApicTests()
    {
        var apics = new LocalApic[Processors];
        for (int i = 0; i < Processors; i++)
            apics[i] = new LocalApic(clock, Ids[i], 1_000_000_000, 3_000_000_000, hasX2Apic: true, hasDeadline: true, isBootstrap: i == 0);
        hub = new PlatformInterrupts(apics);
        for (int i = 0; i < Processors; i++)
            Write(i, 0xF0, 0x1FF);
    }

    [Fact]
    public void Only_the_first_is_the_bootstrap_processor_and_each_has_its_ID()
    {
        for (int i = 0; i < Processors; i++)
        {
            Assert.True(hub.LocalApics[i].ReadMsr(0x1B, out ulong apicBase));
            Assert.Equal(i == 0 ? 0xFEE0_0900ul : 0xFEE0_0800ul, apicBase);
            Assert.Equal(Ids[i] << 24, (uint)hub.LocalApics[i].ReadMmio(0x20, 4));
        }
        Assert.Equal(Processors, hub.ProcessorCount);
        Assert.Same(hub.LocalApics[0], hub.LocalApic);
    }

    [Theory]
    [InlineData(0u, 0b0001)]
    [InlineData(1u, 0b0010)]
    [InlineData(35u, 0b1000)]
    [InlineData(3u, 0b0000)]
    [InlineData(0xFFu, 0b1111)]
    public void A_physical_destination_is_an_ID_or_all(uint destination, int expected)
    {
        Ipi(1, destination, 0x41);
        Assert.Equal(expected, TakeAll(0x41));
        hub.SendMessage(0xFEE0_0000 | destination << 12, 0x42);
        Assert.Equal(expected, TakeAll(0x42));
        Pin(17, 0x43, destination);
        hub.SetGsi(17, true);
        Assert.Equal(expected, TakeAll(0x43));
    }

    [Theory]
    [InlineData(0x01u, 0b0001)]
    [InlineData(0x0Au, 0b1010)]
    [InlineData(0xF0u, 0b0000)]
    [InlineData(0xFFu, 0b1111)]
    public void A_flat_logical_destination_is_a_set(uint destination, int expected)
    {
        for (int i = 0; i < Processors; i++)
            Write(i, 0xD0, 0x0100_0000u << i);
        Ipi(3, destination, 0x841);
        Assert.Equal(expected, TakeAll(0x41));
        hub.SendMessage(0xFEE0_0004 | destination << 12, 0x42);
        Assert.Equal(expected, TakeAll(0x42));
        Pin(17, 0x843, destination);
        hub.SetGsi(17, true);
        Assert.Equal(expected, TakeAll(0x43));
    }

    [Theory]
    [InlineData(0x11u, 0b0001)]
    [InlineData(0x13u, 0b0011)]
    [InlineData(0x23u, 0b1100)]
    [InlineData(0x33u, 0b0000)]
    [InlineData(0xFFu, 0b1111)]
    public void A_cluster_destination_is_a_set_within_a_cluster(uint destination, int expected)
    {
        uint[] logical = [0x11, 0x12, 0x21, 0x22];
        for (int i = 0; i < Processors; i++)
        {
            Write(i, 0xE0, 0x0FFF_FFFF);
            Write(i, 0xD0, logical[i] << 24);
        }
        Ipi(0, destination, 0x841);
        Assert.Equal(expected, TakeAll(0x41));
    }

    [Theory]
    [InlineData(35u, false, 0b1000)]
    [InlineData(0xFFu, false, 0b0000)]
    [InlineData(0xFFFF_FFFFu, false, 0b1111)]
    [InlineData(0x0000_0003u, true, 0b0011)]
    [InlineData(0x0001_0001u, true, 0b0100)]
    [InlineData(0x0002_FFFFu, true, 0b1000)]
    [InlineData(0x0003_FFFFu, true, 0b0000)]
    [InlineData(0xFFFF_FFFFu, true, 0b1111)]
    public void In_x2APIC_mode_destinations_have_32_bits(uint destination, bool logical, int expected)
    {
        for (int i = 0; i < Processors; i++)
            EnterX2(i);
        Assert.True(hub.LocalApics[2].WriteMsr(0x830, (ulong)destination << 32 | (logical ? 0x800u : 0) | 0x41));
        Assert.Equal(expected, TakeAll(0x41));
    }

    [Fact]
    public void In_mixed_modes_each_compares_by_its_own()
    {
        EnterX2(0);
        EnterX2(3);
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 0x1ul << 32 | 0x41));
        Assert.Equal(0b0010, TakeAll(0x41));
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 0xFFFF_FFFFul << 32 | 0x42));
        Assert.Equal(0b1111, TakeAll(0x42));
        // FFh is a broadcast to those in xAPIC mode only, if it comes with 32 bits; with 8 bits it is one to all.
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 0xFFul << 32 | 0x43));
        Assert.Equal(0b0110, TakeAll(0x43));
        Ipi(1, 0xFF, 0x44);
        Assert.Equal(0b1111, TakeAll(0x44));
        hub.SendMessage(0xFEE2_3000, 0x45);
        Assert.Equal(0b1000, TakeAll(0x45));
        // 101h is not ID 1.
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 0x101ul << 32 | 0x46));
        Assert.Equal(0, TakeAll(0x46));
    }

    [Theory]
    [InlineData(0x4_0041u, 0b0100)]
    [InlineData(0x8_0041u, 0b1111)]
    [InlineData(0xC_0041u, 0b1011)]
    public void Shorthands_count_from_the_sender(uint command, int expected)
    {
        Ipi(2, 0, command);
        Assert.Equal(expected, TakeAll(0x41));
        EnterX2(2);
        Assert.True(hub.LocalApics[2].WriteMsr(0x830, command));
        Assert.Equal(expected, TakeAll(0x41));
    }

    [Fact]
    public void The_self_IPI_register_sends_to_its_own_and_leaves_ICR_alone()
    {
        EnterX2(3);
        Assert.True(hub.LocalApics[3].WriteMsr(0x830, 0x23ul << 32 | 0x40));
        Assert.Equal(0b1000, TakeAll(0x40));
        Assert.True(hub.LocalApics[3].WriteMsr(0x83F, 0x51));
        Assert.Equal(0b1000, TakeAll(0x51));
        Assert.True(hub.LocalApics[3].ReadMsr(0x830, out ulong command));
        Assert.Equal(0x23ul << 32 | 0x40, command);
    }

    [Fact]
    public void Lowest_priority_goes_to_one_and_of_equals_to_the_first()
    {
        Write(0, 0x80, 0x30);
        Ipi(0, 0xFF, 0x141);
        Assert.Equal(0b0010, TakeAll(0x41, end: false));
        // The second serves a vector of class 4 now.
        Ipi(0, 0xFF, 0x151);
        Assert.Equal(0b0100, TakeAll(0x51, end: false));
        Write(3, 0x80, 0x40);
        hub.SendMessage(0xFEEF_F000, 0x161);
        Assert.Equal(0b0001, TakeAll(0x61));
        Write(0, 0xF0, 0xFF);
        Pin(17, 0x171, 0xFF);
        hub.SetGsi(17, true);
        Assert.Equal(0b0010, TakeAll(0x71));
    }

    [Fact]
    public void NMIs_reach_those_that_are_meant_even_if_disabled_by_software_but_not_if_off()
    {
        Write(1, 0xF0, 0xFF);
        hub.LocalApics[3].WriteMsr(0x1B, 0xFEE0_0000);
        Ipi(0, 0, 0xC_0400);
        Assert.Equal([false, true, true, false], Each(hub.HasPendingNmi));
        hub.AcknowledgeNmi(1);
        hub.AcknowledgeNmi(2);
        Ipi(0, 0xFF, 0x41);
        Assert.Equal(0b0101, TakeAll(0x41));
        hub.SendMessage(0xFEE1_0000, 0x400);
        Assert.Equal([false, false, true, false], Each(hub.HasPendingNmi));
    }

    [Fact]
    public void INIT_and_start_up_start_a_processor_once()
    {
        Write(1, 0x320, 0x2_0040);
        Write(1, 0x380, 1000);
        Write(1, 0x80, 0x20);
        Ipi(0, 1, 0x51);
        Ipi(0, 1, 0x4500);
        Assert.True(hub.LocalApics[1].WaitsForStartUp);
        Assert.False(hub.IsIdle);
        Assert.Equal(0xFFul, hub.LocalApics[1].ReadMmio(0xF0, 4));
        Assert.Equal(0x1_0000ul, hub.LocalApics[1].ReadMmio(0x320, 4));
        Assert.Equal(0ul, hub.LocalApics[1].ReadMmio(0x80, 4));
        Assert.Equal(1ul << 24, hub.LocalApics[1].ReadMmio(0x20, 4));
        Assert.Equal(VirtualClock.Never, hub.LocalApics[1].NextEvent);
        Assert.False(hub.HasPendingInterrupt(1));
        // What it does not hear while it waits: NMI, and the deassert that ends the INIT of old.
        Ipi(0, 1, 0x400);
        Assert.False(hub.HasPendingNmi(1));
        Ipi(0, 1, 0x4608);
        Ipi(0, 1, 0x4609);
        // In order: the start-up comes after the INIT.
        Assert.False(hub.TakeStartUp(1, out _));
        Assert.True(hub.TakeInit(1));
        Assert.False(hub.TakeInit(1));
        Assert.True(hub.TakeStartUp(1, out byte vector));
        Assert.Equal(0x08, vector);
        Assert.False(hub.LocalApics[1].WaitsForStartUp);
        Assert.False(hub.TakeStartUp(1, out _));
        Assert.True(hub.IsIdle);
        Ipi(0, 1, 0x460A);
        Assert.False(hub.TakeStartUp(1, out _));
    }

    [Fact]
    public void A_deassert_is_no_INIT_and_shorthands_with_self_send_none()
    {
        Ipi(0, 1, 0x8500);
        Ipi(0, 0, 0x8_4500);
        Ipi(0, 0, 0x4_4500);
        hub.SendMessage(0xFEE0_1000, 0x8500);
        Assert.Equal([false, false, false, false], Each(hub.TakeInit));
        Ipi(0, 0, 0xC_4500);
        Assert.Equal([false, true, true, true], Each(hub.TakeInit));
        Ipi(0, 0, 0xC_4612);
        for (int i = 1; i < Processors; i++)
        {
            Assert.True(hub.TakeStartUp(i, out byte vector));
            Assert.Equal(0x12, vector);
        }
        hub.SendMessage(0xFEE0_1000, 0x500);
        Assert.True(hub.TakeInit(1));
        hub.SendMessage(0xFEE0_1000, 0x633);
        Assert.False(hub.TakeStartUp(1, out _));
    }

    [Fact]
    public void INIT_restarts_the_bootstrap_processor_at_once()
    {
        Ipi(1, 0, 0x4500);
        Assert.True(hub.TakeInit(0));
        Assert.False(hub.LocalApics[0].WaitsForStartUp);
        Ipi(1, 0, 0x4608);
        Assert.False(hub.TakeStartUp(0, out _));
        Assert.Equal(0xFFul, hub.LocalApics[0].ReadMmio(0xF0, 4));
    }

    [Fact]
    public void INIT_keeps_mode_and_reaches_an_APIC_that_is_off()
    {
        EnterX2(2);
        EnterX2(0);
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 16ul << 32 | 0x4500));
        Assert.True(hub.TakeInit(2));
        Assert.True(hub.LocalApics[2].IsX2Apic);
        hub.LocalApics[1].WriteMsr(0x1B, 0xFEE0_0000);
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 1ul << 32 | 0x4500));
        Assert.True(hub.LocalApics[0].WriteMsr(0x830, 1ul << 32 | 0x4677));
        Assert.True(hub.TakeInit(1));
        Assert.True(hub.TakeStartUp(1, out byte vector));
        Assert.Equal(0x77, vector);
        Assert.False(hub.LocalApics[1].IsOn);
    }

    [Fact]
    public void An_INIT_makes_an_earlier_start_up_void()
    {
        hub.ParkOthers();
        Assert.Equal([false, true, true, true], Each(i => hub.LocalApics[i].WaitsForStartUp));
        Ipi(0, 1, 0x4608);
        Ipi(0, 1, 0x4500);
        Assert.True(hub.TakeInit(1));
        Assert.False(hub.TakeStartUp(1, out _));
        Ipi(0, 1, 0x4609);
        Assert.True(hub.TakeStartUp(1, out byte vector));
        Assert.Equal(0x09, vector);
        // No INIT is needed after power-on.
        Ipi(0, 16, 0x460A);
        Assert.True(hub.TakeStartUp(2, out vector));
        Assert.Equal(0x0A, vector);
    }

    [Fact]
    public void Wanted_are_those_that_got_something_new()
    {
        Assert.Equal(0ul, hub.TakeWanted());
        Ipi(0, 1, 0x41);
        Assert.Equal(0b0010ul, hub.TakeWanted());
        Assert.Equal(0ul, hub.TakeWanted());
        Ipi(0, 1, 0x41);
        Assert.Equal(0ul, hub.TakeWanted());
        Ipi(0, 16, 0x400);
        hub.SendMessage(0xFEE0_0000, 0x55);
        Assert.Equal(0b0101ul, hub.TakeWanted());
        Ipi(0, 35, 0x4500);
        Assert.Equal(0b1000ul, hub.TakeWanted());
        Ipi(0, 35, 0x4608);
        Assert.Equal(0b1000ul, hub.TakeWanted());
        Ipi(0, 35, 0x4608);
        Assert.Equal(0ul, hub.TakeWanted());
        Write(1, 0x320, 0x60);
        Write(1, 0x3E0, 0xB);
        Write(1, 0x380, 1000);
        clock.Now += 1000;
        hub.LocalApics[1].Advance();
        Assert.Equal(0b0010ul, hub.TakeWanted());
    }

    [Fact]
    public void A_level_that_another_processor_took_ends_with_its_EOI()
    {
        Pin(18, 0x8061, 35);
        hub.SetGsi(18, true);
        Assert.Equal(0xC061u, Entry(18));
        Assert.Equal(0x61, hub.Acknowledge(3));
        Write(0, 0xB0, 0);
        Assert.Equal(0xC061u, Entry(18));
        Write(3, 0xB0, 0);
        Assert.Equal(0xC061u, Entry(18));
        Assert.Equal(0x61, hub.Acknowledge(3));
        hub.SetGsi(18, false);
        Write(3, 0xB0, 0);
        Assert.Equal(0x8061u, Entry(18));
        Assert.True(hub.IsIdle);
    }

    [Fact]
    public void A_level_waits_until_its_processor_is_enabled()
    {
        Write(2, 0xF0, 0xFF);
        Pin(18, 0x8061, 16);
        hub.SetGsi(18, true);
        Assert.Equal(0x8061u, Entry(18));
        _ = hub.TakeWanted();
        Write(2, 0xF0, 0x1FF);
        Assert.Equal(0b0100ul, hub.TakeWanted());
        Assert.Equal(0x61, hub.Acknowledge(2));
    }

    [Fact]
    public void The_8259_interrupts_where_LINT0_passes_it()
    {
        StartPics();
        Write(2, 0x350, 0x700);
        hub.SetIsaLine(1, true);
        Assert.Equal([false, false, true, false], Each(hub.HasPendingInterrupt));
        Assert.Equal(0b0100ul, hub.TakeWanted());
        Assert.Equal(0ul, hub.TakeWanted());
        Assert.Equal(0xFF, hub.Acknowledge(0));
        Assert.Equal(0x69, hub.Acknowledge(2));
        hub.WritePicPort(0x20, 0x20);
        hub.SetIsaLine(1, false);
        hub.SetIsaLine(1, true);
        Write(3, 0x350, 0x700);
        Assert.Equal(0b1100ul, hub.TakeWanted());
        // The first that takes it has it.
        Assert.Equal(0x69, hub.Acknowledge(3));
        Assert.Equal([false, false, false, false], Each(hub.HasPendingInterrupt));
    }

    [Fact]
    public void The_IO_APIC_passes_the_8259_to_the_destination_of_its_pin()
    {
        StartPics();
        Pin(0, 0x700, 1);
        hub.SetIsaLine(1, true);
        Assert.Equal([false, true, false, false], Each(hub.HasPendingInterrupt));
        Pin(0, 0x700, 35);
        Assert.Equal(0b1000ul, hub.TakeWanted());
        Assert.Equal([false, false, false, true], Each(hub.HasPendingInterrupt));
        hub.LocalApics[3].Park();
        Assert.False(hub.HasPendingInterrupt(3));
    }

    [Fact]
    public void With_its_APIC_off_only_the_bootstrap_processor_hears_the_8259()
    {
        StartPics();
        for (int i = 0; i < Processors; i++)
            hub.LocalApics[i].WriteMsr(0x1B, 0xFEE0_0000);
        hub.SetIsaLine(1, true);
        Assert.Equal([true, false, false, false], Each(hub.HasPendingInterrupt));
    }

    [Fact]
    public void Sixty_four_processors_fit()
    {
        var ids = new uint[PlatformConfiguration.MaxProcessors];
        for (uint i = 0; i < ids.Length; i++)
            ids[i] = 2 * i;
        var platform = new VirtualPlatform(clock, new PlatformConfiguration { ApicIds = ids, ApicBusHertz = 1_000_000_000, TscHertz = 1_000_000_000 });
        for (int i = 0; i < ids.Length; i++)
            platform.Interrupts.LocalApics[i].WriteMmio(0xF0, 4, 0x1FF);
        platform.Interrupts.LocalApics[63].WriteMmio(0x300, 4, 0xC_0041);
        Assert.Equal(ulong.MaxValue >> 1, platform.Interrupts.TakeWanted());
        for (int i = 0; i < ids.Length; i++)
        {
            Assert.True(platform.TryFindMmio(new GuestPhysical(0xFEE0_0020), i, out var apic, out ulong offset));
            Assert.Same(platform.Interrupts.LocalApics[i], apic);
            Assert.Equal(0x20ul, offset);
        }
    }

    private bool[] Each(System.Func<int, bool> question)
    {
        var answers = new List<bool>();
        for (int i = 0; i < Processors; i++)
            answers.Add(question(i));
        return [.. answers];
    }

    private void Write(int processor, uint offset, uint value) => hub.LocalApics[processor].WriteMmio(offset, 4, value);

    private void EnterX2(int processor) =>
        Assert.True(hub.LocalApics[processor].WriteMsr(0x1B, 0xFEE0_0C00));

    private void Ipi(int sender, uint destination, uint command)
    {
        Write(sender, 0x310, destination << 24);
        Write(sender, 0x300, command);
    }

    private void Pin(uint pin, uint entry, uint destination)
    {
        Register(0x10 + 2 * pin, 0x10000);
        Register(0x11 + 2 * pin, destination << 24);
        Register(0x10 + 2 * pin, entry);
    }

    private void Register(uint register, uint value)
    {
        hub.IoApic.WriteMmio(0, 4, register);
        hub.IoApic.WriteMmio(0x10, 4, value);
    }

    private uint Entry(uint pin)
    {
        hub.IoApic.WriteMmio(0, 4, 0x10 + 2 * pin);
        return (uint)hub.IoApic.ReadMmio(0x10, 4);
    }

    /// <summary>The set of processors that have <paramref name="vector"/>, which is taken from them.</summary>
    private int TakeAll(int vector, bool end = true)
    {
        int found = 0;
        for (int i = 0; i < Processors; i++)
        {
            if (!hub.TryGetVector(i, out byte pending))
                continue;
            Assert.Equal(vector, pending);
            Assert.Equal(vector, hub.Acknowledge(i));
            found |= 1 << i;
            if (!end)
                continue;
            Write(i, 0xB0, 0);
            hub.LocalApics[i].WriteMsr(0x80B, 0);
        }
        return found;
    }

    private void StartPics()
    {
        foreach ((ushort port, uint value) in new (ushort, uint)[]
        {
            (0x20, 0x11), (0x21, 0x68), (0x21, 0x04), (0x21, 0x01), (0xA0, 0x11), (0xA1, 0x70), (0xA1, 0x02), (0xA1, 0x01),
        })
            hub.WritePicPort(port, value);
    }
}
