using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

public sealed class LocalApicTests
{
    private const ulong Bus = 1_000_000_000;
    private const ulong Tsc = 3_000_000_000;

    private readonly VirtualClock clock = new();
    private readonly LocalApic apic;
    private readonly PlatformInterrupts hub;

    public LocalApicTests()
    {
        apic = new LocalApic(clock, 3, Bus, Tsc, hasX2Apic: true, hasDeadline: true);
        hub = new PlatformInterrupts([apic]);
    }

    [Fact]
    public void Power_on_state_is_that_of_the_manual()
    {
        Assert.Equal(0xFEE0_0900ul, Msr(0x1B));
        Assert.Equal(3u << 24, Read(0x20));
        Assert.Equal(0x0005_0014u, Read(0x30));
        Assert.Equal(0xFFu, Read(0xF0));
        Assert.Equal(uint.MaxValue, Read(0xE0));
        for (uint at = 0x320; at <= 0x370; at += 0x10)
            Assert.Equal(0x10000u, Read(at));
        for (uint at = 0x100; at < 0x280; at += 0x10)
            Assert.Equal(0u, Read(at));
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void While_disabled_by_software_LVT_masks_cannot_be_cleared_and_fixed_interrupts_are_refused()
    {
        Write(0x320, 0x40);
        Assert.Equal(0x10040u, Read(0x320));
        Self(0x50);
        Assert.False(hub.HasPendingInterrupt(0));
        Write(0xF0, 0x1FF);
        Write(0x320, 0x40);
        Assert.Equal(0x40u, Read(0x320));
        Write(0xF0, 0x0FF);
        Assert.Equal(0x10040u, Read(0x320));
    }

    [Fact]
    public void The_highest_vector_comes_first_and_blocks_lower_classes_until_its_end()
    {
        Enable();
        Self(0x31);
        Self(0x52);
        Self(0x58);
        Assert.Equal(0x58, Take());
        Assert.False(hub.HasPendingInterrupt(0));
        Assert.Equal(0x50u, Read(0xA0));
        Self(0x61);
        Assert.Equal(0x61, Take());
        Write(0xB0, 0);
        Assert.False(hub.HasPendingInterrupt(0));
        Write(0xB0, 0);
        Assert.Equal(0x52, Take());
        Write(0xB0, 0);
        Assert.Equal(0x31, Take());
        Write(0xB0, 0);
        Assert.True(apic.IsIdle);
    }

    [Fact]
    public void The_task_priority_holds_back_its_class_and_below()
    {
        Enable();
        Self(0x58);
        Write(0x80, 0x50);
        Assert.False(hub.HasPendingInterrupt(0));
        Assert.Equal(5, apic.Cr8);
        apic.Cr8 = 4;
        Assert.Equal(0x40u, Read(0x80));
        Assert.True(hub.HasPendingInterrupt(0));
        Assert.Equal(1u << 0x18, Read(0x200 + 0x10 * (0x58 / 32)));
    }

    [Fact]
    public void The_processor_priority_has_the_task_sub_class_only_if_the_task_wins()
    {
        Enable();
        Write(0x80, 0x47);
        Assert.Equal(0x47u, Read(0xA0));
        Self(0x5A);
        Take();
        Assert.Equal(0x50u, Read(0xA0));
    }

    [Theory]
    [InlineData(0xBu, 1ul)]
    [InlineData(0x0u, 2ul)]
    [InlineData(0x3u, 16ul)]
    [InlineData(0xAu, 128ul)]
    public void A_one_shot_counts_down_at_the_divided_clock_and_fires_once(uint divide, ulong divisor)
    {
        Enable();
        clock.Now = 12_345;
        Write(0x320, 0x40);
        Write(0x3E0, divide);
        Write(0x380, 1000);
        Assert.Equal(clock.Now + 1000 * divisor, apic.NextEvent);
        clock.Now += 400 * divisor;
        Assert.Equal(600u, Read(0x390));
        apic.Advance();
        Assert.False(hub.HasPendingInterrupt(0));
        clock.Now += 600 * divisor;
        apic.Advance();
        Assert.Equal(0x40, Take());
        Assert.Equal(0u, Read(0x390));
        Assert.Equal(1000u, Read(0x380));
        Assert.Equal(VirtualClock.Never, apic.NextEvent);
    }

    [Fact]
    public void A_periodic_timer_keeps_its_phase_and_missed_periods_are_one()
    {
        Enable();
        Write(0x3E0, 0xB);
        Write(0x320, 0x20040);
        Write(0x380, 1000);
        clock.Now = 3500;
        apic.Advance();
        Assert.Equal(0x40, Take());
        Write(0xB0, 0);
        Assert.Equal(4000ul, apic.NextEvent);
        Assert.Equal(500u, Read(0x390));
        apic.Advance();
        Assert.False(hub.HasPendingInterrupt(0));
        Write(0x380, 0);
        Assert.Equal(VirtualClock.Never, apic.NextEvent);
    }

    [Fact]
    public void A_masked_timer_counts_and_says_nothing()
    {
        Enable();
        Write(0x3E0, 0xB);
        Write(0x320, 0x10040);
        Write(0x380, 1000);
        clock.Now = 1000;
        apic.Advance();
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void The_TSC_deadline_fires_when_the_guest_TSC_reaches_it()
    {
        Enable();
        apic.TscBase = 9000;
        Write(0x320, 0x40040);
        Write(0x380, 77);
        Assert.Equal(0u, Read(0x380));
        Assert.True(apic.WriteMsr(0x6E0, 9000 + 3000));
        Assert.Equal(1000ul, apic.NextEvent);
        Assert.Equal(12_000ul, Msr(0x6E0));
        clock.Now = 1000;
        apic.Advance();
        Assert.Equal(0x40, Take());
        Assert.Equal(0ul, Msr(0x6E0));
        apic.WriteMsr(0x6E0, 1);
        Assert.True(apic.NextEvent <= clock.Now);
        Write(0x320, 0x40);
        Assert.Equal(VirtualClock.Never, apic.NextEvent);
    }

    [Fact]
    public void ICR_to_self_by_every_form_of_destination()
    {
        Enable();
        Write(0xD0, 0x0200_0000);
        uint[] high = [3u << 24, 0xFFu << 24, 0x06u << 24, 0, 0];
        uint[] low = [0x41, 0x42, 0x843, 0x4_0044, 0x8_0045];
        for (int i = 0; i < low.Length; i++)
        {
            Write(0x310, high[i]);
            Write(0x300, low[i]);
            Assert.Equal((byte)low[i], Take());
            Write(0xB0, 0);
        }
        Write(0x310, 4u << 24);
        Write(0x300, 0x46);
        Write(0x310, 0x04u << 24);
        Write(0x300, 0x847);
        Write(0x300, 0xC_0048);
        Assert.False(hub.HasPendingInterrupt(0));
        Assert.Equal(0xC_0048u, Read(0x300));
    }

    [Fact]
    public void The_cluster_model_wants_cluster_and_member()
    {
        Enable();
        Write(0xE0, 0x0FFF_FFFF);
        Write(0xD0, 0x2400_0000);
        Write(0x310, 0x2Cu << 24);
        Write(0x300, 0x843);
        Assert.Equal(0x43, Take());
        Write(0x310, 0x34u << 24);
        Write(0x300, 0x844);
        Write(0x310, 0x2Bu << 24);
        Write(0x300, 0x845);
        Write(0xB0, 0);
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void NMI_to_self_is_pending_INIT_and_start_up_are_ignored()
    {
        Enable();
        Write(0x300, 0x4_0400);
        Assert.True(hub.HasPendingNmi(0));
        apic.AcknowledgeNmi();
        Write(0x300, 0x4_4500);
        Write(0x300, 0x4_0608);
        Assert.False(hub.HasPendingNmi(0));
        Assert.Equal(0x1FFu, Read(0xF0));
    }

    [Fact]
    public void Illegal_vectors_and_registers_are_errors_with_an_interrupt()
    {
        Enable();
        Write(0x370, 0x33);
        Write(0x300, 0x4_0005);
        Assert.Equal(0x33, Take());
        Write(0xB0, 0);
        Assert.Equal(0u, Read(0x280));
        Write(0x280, 0);
        Assert.Equal(0x20u, Read(0x280));
        hub.SendMessage(0xFEE0_3000, 0x05);
        Read(0x3F0);
        Write(0x280, 0);
        Assert.Equal(0xC0u, Read(0x280));
        Write(0x280, 0);
        Assert.Equal(0u, Read(0x280));
    }

    [Fact]
    public void Messages_reach_the_APIC_by_physical_and_logical_destination()
    {
        Enable();
        Write(0xD0, 0x0100_0000);
        hub.SendMessage(0xFEE0_3000, 0x41);
        Assert.Equal(0x41, Take());
        Write(0xB0, 0);
        hub.SendMessage(0xFEE0_100C, 0x0142);
        Assert.Equal(0x42, Take());
        Write(0xB0, 0);
        hub.SendMessage(0xFEE0_2000, 0x43);
        hub.SendMessage(0xFEF0_3000, 0x44);
        hub.SendMessage(0x1_FEE0_3000, 0x45);
        Assert.False(hub.HasPendingInterrupt(0));
        hub.SendMessage(0xFEEF_F000, 0x400);
        Assert.True(hub.HasPendingNmi(0));
    }

    [Fact]
    public void Mode_changes_follow_the_manual()
    {
        Assert.False(apic.WriteMsr(0x1B, 0xFEE0_0400));
        Assert.False(apic.WriteMsr(0x1B, 0xFEE0_0A00));
        Assert.False(apic.ReadMsr(0x802, out _));
        Assert.True(apic.WriteMsr(0x1B, 0xFEE0_0D00));
        Assert.False(apic.AnswersMmio);
        Assert.Equal(3ul, Msr(0x802));
        Assert.Equal(ulong.MaxValue, apic.ReadMmio(0x20, 4));
        Assert.False(apic.WriteMsr(0x1B, 0xFEE0_0900));
        Assert.True(apic.WriteMsr(0x1B, 0xFEE0_0100));
        Assert.False(apic.WriteMsr(0x1B, 0xFEE0_0D00));
        Assert.True(apic.WriteMsr(0x1B, 0xFED0_0900));
        Assert.Equal(0xFED0_0000ul, apic.PageAddress);
        Assert.Equal(0xFFu, Read(0xF0));
    }

    [Fact]
    public void X2APIC_registers_are_MSRs()
    {
        apic.WriteMsr(0x1B, 0xFEE0_0D00);
        Assert.True(apic.WriteMsr(0x80F, 0x1FF));
        Assert.True(apic.WriteMsr(0x83F, 0x55));
        Assert.Equal(0x55, Take());
        Assert.False(apic.WriteMsr(0x80B, 1));
        Assert.True(apic.WriteMsr(0x80B, 0));
        Assert.True(apic.IsIdle);
        Assert.Equal(0x0000_0008ul, Msr(0x80D));
        Assert.True(apic.WriteMsr(0x830, 0x0000_0008_0000_0856));
        Assert.Equal(0x56, Take());
        Assert.Equal(0x0000_0008_0000_0856ul, Msr(0x830));
        Assert.True(apic.WriteMsr(0x832, 0x40041));
        Assert.Equal(0x40041ul, Msr(0x832));
        uint[] missing = [0x80E, 0x809, 0x80B, 0x831, 0x83F, 0x800, 0x840, 0x8FF];
        foreach (uint msr in missing)
            Assert.False(apic.ReadMsr(msr, out _));
        uint[] readOnly = [0x802, 0x803, 0x80A, 0x80D, 0x810, 0x820, 0x839];
        foreach (uint msr in readOnly)
            Assert.False(apic.WriteMsr(msr, 0));
        Assert.False(apic.WriteMsr(0x808, 0x100));
        Assert.False(apic.WriteMsr(0x80F, 0x1000));
        Assert.False(apic.WriteMsr(0x832, 0x100_0000));
    }

    [Fact]
    public void Without_the_features_their_registers_fault()
    {
        var plain = new LocalApic(clock, 0, Bus, Tsc, hasX2Apic: false, hasDeadline: false);
        Assert.False(plain.WriteMsr(0x1B, 0xFEE0_0D00));
        Assert.False(plain.ReadMsr(0x6E0, out _));
        Assert.False(plain.WriteMsr(0x6E0, 0));
        plain.WriteMmio(0x320, 4, 0x70040);
        Assert.Equal(0x30040ul, plain.ReadMmio(0x320, 4));
    }

    private uint Read(uint offset) => (uint)apic.ReadMmio(offset, 4);

    private void Write(uint offset, uint value) => apic.WriteMmio(offset, 4, value);

    private ulong Msr(uint msr)
    {
        Assert.True(apic.ReadMsr(msr, out ulong value));
        return value;
    }

    private void Enable() => Write(0xF0, 0x1FF);

    private void Self(uint vector) => Write(0x300, 0x4_0000 | vector);

    private int Take()
    {
        Assert.True(hub.TryGetVector(0, out byte vector));
        Assert.Equal(vector, hub.Acknowledge(0));
        return vector;
    }
}
