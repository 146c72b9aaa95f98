using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>8254, HPET and RTC against their data sheets.</summary>
public sealed class TimerDeviceTests
{
    private const ulong Second = 1_000_000_000;

    private readonly VirtualClock clock = new();
    private readonly PlatformInterrupts hub;
    private readonly Pit8254 pit;
    private readonly Rtc rtc;
    private readonly Hpet hpet;
    private readonly TickScale pitScale = TickScale.FromHertz(Pit8254.Hertz);

    public TimerDeviceTests()
    {
        hub = new PlatformInterrupts([new LocalApic(clock, 0, Second, Second, hasX2Apic: false, hasDeadline: false)]);
        GsiLine timerLine = hub.NewIsaLine(0), rtcLine = hub.NewIsaLine(8);
        pit = new Pit8254(clock, timerLine);
        rtc = new Rtc(clock, rtcLine);
        hpet = new Hpet(clock, hub, timerLine, rtcLine);
        hub.LocalApic.WriteMmio(0xF0, 4, 0x1FF);
        for (uint pin = 0; pin < 24; pin++)
            Route(pin, 0x40 + pin);
    }

    [Theory]
    [InlineData(0x34)]
    [InlineData(0x36)]
    public void Channel_0_interrupts_at_every_period(byte control)
    {
        Load(0, control, 11932);
        for (ulong n = 1; n <= 50; n++)
        {
            Assert.Equal(pitScale.ToNanoseconds(n * 11932), pit.NextEvent);
            clock.Now = pit.NextEvent - 1;
            pit.Advance();
            Assert.False(hub.HasPendingInterrupt(0));
            clock.Now++;
            pit.Advance();
            Assert.Equal(0x42, Take());
        }
    }

    [Fact]
    public void A_day_of_missed_periods_is_one_interrupt_and_keeps_its_phase()
    {
        Load(0, 0x34, 1193);
        clock.Now = 86_400 * Second;
        pit.Advance();
        Take();
        Assert.False(hub.HasPendingInterrupt(0));
        ulong ticks = pitScale.ToTicks(clock.Now);
        Assert.Equal(pitScale.ToNanoseconds((ticks / 1193 + 1) * 1193), pit.NextEvent);
    }

    [Fact]
    public void Mode_0_rises_once_at_terminal_count()
    {
        Load(0, 0x30, 1000);
        Assert.Equal(0, Status(0) & 0x80);
        clock.Now = pitScale.ToNanoseconds(1000);
        pit.Advance();
        Assert.Equal(0x42, Take());
        Assert.Equal(0x80, Status(0) & 0x80);
        Assert.Equal(VirtualClock.Never, pit.NextEvent);
        Load(0, 0x30, 500);
        Assert.NotEqual(VirtualClock.Never, pit.NextEvent);
    }

    [Fact]
    public void Mode_4_strobes_one_tick_after_terminal_count()
    {
        Load(0, 0x38, 1000);
        clock.Now = pitScale.ToNanoseconds(1000);
        Assert.Equal(0, Status(0) & 0x80);
        pit.Advance();
        Assert.False(hub.HasPendingInterrupt(0));
        clock.Now = pitScale.ToNanoseconds(1001);
        pit.Advance();
        Assert.Equal(0x42, Take());
        Assert.Equal(0x80, Status(0) & 0x80);
    }

    [Fact]
    public void A_count_of_0_is_65536()
    {
        Load(0, 0x34, 0);
        Assert.Equal(pitScale.ToNanoseconds(65536), pit.NextEvent);
    }

    [Fact]
    public void Counts_are_read_low_byte_first_and_latches_hold()
    {
        Load(0, 0x34, 0x8000);
        clock.Now = pitScale.ToNanoseconds(0x1234);
        Assert.Equal(0x8000 - 0x1234, ReadCount(0));
        pit.WritePort(0x43, 1, 0x00);
        clock.Now = pitScale.ToNanoseconds(0x2000);
        pit.WritePort(0x43, 1, 0x00);
        Assert.Equal(0x8000 - 0x1234, ReadCount(0));
        Assert.Equal(0x6000, ReadCount(0));
    }

    [Fact]
    public void The_read_back_command_latches_status_then_count()
    {
        Load(2, 0xB6, 0x4000);
        pit.WritePort(0x43, 1, 0xC8);
        Assert.Equal(0xB6u & 0x3E | 0x80, pit.ReadPort(0x42, 1));
        Assert.Equal(0x00u, pit.ReadPort(0x42, 1));
        Assert.Equal(0x40u, pit.ReadPort(0x42, 1));
        pit.WritePort(0x43, 1, 0xB0);
        Assert.Equal(0x40, Status(2) & 0x40);
    }

    [Fact]
    public void Mode_3_counts_by_two_and_is_high_for_the_larger_half()
    {
        Load(0, 0x36, 1001);
        clock.Now = pitScale.ToNanoseconds(500);
        Assert.Equal(0x80, Status(0) & 0x80);
        Assert.Equal(0, ReadCount(0));
        clock.Now = pitScale.ToNanoseconds(501);
        Assert.Equal(0, Status(0) & 0x80);
    }

    [Fact]
    public void The_gate_of_channel_2_stops_and_its_output_shows_in_port_61h()
    {
        pit.WritePort(0x61, 1, 0);
        Load(2, 0xB0, 2000);
        clock.Now = Second;
        Assert.Equal(0u, pit.ReadPort(0x61, 1) & 0x20);
        Assert.Equal(2000, ReadCount(2));
        pit.WritePort(0x61, 1, 1);
        clock.Now = Second + pitScale.ToNanoseconds(1000);
        pit.WritePort(0x61, 1, 0);
        clock.Now += Second;
        Assert.InRange(ReadCount(2), 999, 1001);
        pit.WritePort(0x61, 1, 0xF1);
        Assert.Equal(1u, pit.ReadPort(0x61, 1) & 0x0F);
        clock.Now += pitScale.ToNanoseconds(1001);
        Assert.Equal(0x20u, pit.ReadPort(0x61, 1) & 0x20);
    }

    [Fact]
    public void The_refresh_bit_toggles()
    {
        uint first = pit.ReadPort(0x61, 1) & 0x10;
        clock.Now += 15_086;
        Assert.NotEqual(first, pit.ReadPort(0x61, 1) & 0x10);
    }

    [Fact]
    public void The_time_of_day_runs_in_BCD_and_in_binary()
    {
        rtc.SetTimeOfDay(1_709_251_199);
        Assert.Equal("2024-02-29 23:59:59 5", ReadTime());
        clock.Now += Second;
        Assert.Equal("2024-03-01 00:00:00 6", ReadTime());
        Cmos(11, 0x06);
        Assert.Equal(20u, Cmos(0x32));
        Assert.Equal(24u, Cmos(9));
        clock.Now += 40 * Second;
        Assert.Equal(40u, Cmos(0));
        Cmos(11, 0x02);
        Assert.Equal(0x40u, Cmos(0));
    }

    [Fact]
    public void Twelve_hour_mode_marks_the_afternoon()
    {
        Cmos(11, 0x00);
        rtc.SetTimeOfDay(0);
        Assert.Equal(0x12u, Cmos(4));
        rtc.SetTimeOfDay(12 * 3600);
        Assert.Equal(0x92u, Cmos(4));
        rtc.SetTimeOfDay(23 * 3600);
        Assert.Equal(0x91u, Cmos(4));
        Cmos(4, 0x81);
        Assert.Equal(13 * 3600, rtc.TimeOfDay);
    }

    [Fact]
    public void Setting_the_clock_stops_it_until_SET_is_cleared()
    {
        rtc.SetTimeOfDay(1000);
        Cmos(11, 0x82);
        clock.Now += 10 * Second;
        Assert.Equal(1000, rtc.TimeOfDay);
        Cmos(0, 0x30);
        Cmos(2, 0x15);
        Cmos(4, 0x08);
        Cmos(7, 0x05);
        Cmos(8, 0x10);
        Cmos(9, 0x24);
        Cmos(0x32, 0x20);
        Cmos(11, 0x02);
        clock.Now += 3 * Second;
        Assert.Equal("2024-10-05 08:15:33 7", ReadTime());
    }

    [Fact]
    public void The_first_update_after_a_divider_reset_comes_after_half_a_second()
    {
        clock.Now = 123_456_789;
        Cmos(10, 0x76);
        Cmos(0, 0x10);
        Cmos(10, 0x26);
        clock.Now += 499_999_999;
        Assert.Equal(0x10u, Cmos(0));
        clock.Now += 1;
        Assert.Equal(0x11u, Cmos(0));
    }

    [Fact]
    public void Update_in_progress_warns_244_microseconds_ahead()
    {
        rtc.SetTimeOfDay(5);
        clock.Now = Second - 244_001;
        Assert.Equal(0x26u, Cmos(10));
        clock.Now += 1;
        Assert.Equal(0xA6u, Cmos(10));
        clock.Now = Second;
        Assert.Equal(0x26u, Cmos(10));
    }

    [Fact]
    public void Periodic_interrupts_come_at_the_rate_and_wait_for_register_C()
    {
        Cmos(10, 0x26);
        Cmos(11, 0x42);
        for (int i = 0; i < 3; i++)
        {
            ulong due = rtc.NextEvent;
            Assert.InRange(due, clock.Now + 1, clock.Now + 976_563);
            clock.Now = due;
            rtc.Advance();
            Assert.Equal(0x48, Take());
            Assert.Equal(VirtualClock.Never, rtc.NextEvent);
            Assert.Equal(0xC0u, Cmos(12) & 0xC0);
            Assert.Equal(0u, Cmos(12));
        }
    }

    [Fact]
    public void Update_interrupts_come_every_second()
    {
        rtc.SetTimeOfDay(0);
        Cmos(11, 0x12);
        Assert.Equal(Second, rtc.NextEvent);
        clock.Now = Second;
        rtc.Advance();
        Assert.Equal(0x48, Take());
        Assert.Equal(0x90u, Cmos(12) & 0x9F);
        Assert.Equal(2 * Second, rtc.NextEvent);
    }

    [Theory]
    [InlineData(0x10, 0x20, 0x03, 3 * 3600 + 20 * 60 + 10)]
    [InlineData(0x10, 0x20, 0xFF, 20 * 60 + 10)]
    [InlineData(0x10, 0xC0, 0xFF, 10)]
    [InlineData(0xFF, 0xFF, 0xFF, 1)]
    [InlineData(0x00, 0x00, 0x00, 86_400)]
    public void The_alarm_comes_when_the_time_matches(byte second, byte minute, byte hour, int expected)
    {
        rtc.SetTimeOfDay(0);
        Cmos(1, second);
        Cmos(3, minute);
        Cmos(5, hour);
        Cmos(11, 0x22);
        Assert.Equal((ulong)expected * Second, rtc.NextEvent);
        clock.Now = rtc.NextEvent;
        rtc.Advance();
        Assert.Equal(0x48, Take());
        Assert.Equal(0xA0u, Cmos(12) & 0xA0);
    }

    [Fact]
    public void Both_banks_of_memory_keep_what_is_written()
    {
        Cmos(0x40, 0x5A);
        rtc.WritePort(0x72, 1, 0x40);
        rtc.WritePort(0x73, 1, 0xA5);
        Assert.Equal(0x5Au, Cmos(0x40));
        Assert.Equal(0xA5u, rtc.ReadPort(0x73, 1));
        Assert.Equal(0x80u, Cmos(13));
    }

    [Fact]
    public void The_HPET_counts_at_its_period_while_enabled()
    {
        Assert.Equal(69_841_279ul, hpet.ReadMmio(4, 4));
        clock.Now = Second;
        Assert.Equal(0ul, hpet.ReadMmio(0xF0, 8));
        hpet.WriteMmio(0xF0, 8, 1000);
        hpet.WriteMmio(0x10, 4, 1);
        clock.Now += Second;
        Assert.InRange(hpet.ReadMmio(0xF0, 8), 1000 + 14_318_178ul, 1000 + 14_318_180ul);
        hpet.WriteMmio(0x10, 4, 0);
        ulong stopped = hpet.ReadMmio(0xF0, 8);
        clock.Now += Second;
        Assert.Equal(stopped, hpet.ReadMmio(0xF0, 8));
    }

    [Fact]
    public void A_one_shot_comparator_interrupts_its_pin_once()
    {
        hpet.WriteMmio(0x10, 4, 1);
        hpet.WriteMmio(0x100, 4, 20 << 9 | 4);
        hpet.WriteMmio(0x108, 8, 1_000_000);
        clock.Now = hpet.NextEvent;
        Assert.InRange(clock.Now, 69_841_278ul, 69_841_281ul);
        hpet.Advance();
        Assert.Equal(0x54, Take());
        Assert.Equal(0ul, hpet.ReadMmio(0x20, 8));
        Assert.Equal(VirtualClock.Never, hpet.NextEvent);
    }

    [Fact]
    public void A_periodic_comparator_as_Linux_programs_it()
    {
        hpet.WriteMmio(0x10, 4, 3);
        hpet.WriteMmio(0x100, 4, 4 | 8 | 0x40 | 0x100);
        hpet.WriteMmio(0x108, 4, 50_000);
        hpet.WriteMmio(0x108, 4, 10_000);
        var scale = TickScale.FromPeriod(69_841_279);
        for (ulong n = 0; n < 20; n++)
        {
            Assert.Equal(scale.ToNanoseconds(50_000 + n * 10_000), hpet.NextEvent);
            clock.Now = hpet.NextEvent;
            hpet.Advance();
            Assert.Equal(0x42, Take());
            Assert.Equal(60_000 + n * 10_000, hpet.ReadMmio(0x108, 8));
        }
    }

    [Fact]
    public void A_32_bit_comparator_wraps()
    {
        hpet.WriteMmio(0xF0, 8, 0x1_FFFF_FF00);
        hpet.WriteMmio(0x10, 4, 1);
        hpet.WriteMmio(0x120, 4, 0x104 | 21 << 9);
        hpet.WriteMmio(0x128, 4, 0x100);
        clock.Now = hpet.NextEvent;
        Assert.Equal(TickScale.FromPeriod(69_841_279).ToNanoseconds(0x200), clock.Now);
        hpet.Advance();
        Assert.Equal(0x55, Take());
    }

    [Fact]
    public void A_level_interrupt_holds_until_its_status_is_cleared()
    {
        Route(20, 0x8060);
        hpet.WriteMmio(0x10, 4, 1);
        hpet.WriteMmio(0x140, 4, 2 | 4 | 20 << 9);
        hpet.WriteMmio(0x148, 8, 100);
        clock.Now = hpet.NextEvent;
        hpet.Advance();
        Assert.Equal(4ul, hpet.ReadMmio(0x20, 4));
        Assert.Equal(0x60, Take(end: false));
        hub.LocalApic.WriteMmio(0xB0, 4, 0);
        Assert.True(hub.HasPendingInterrupt(0));
        Take(end: false);
        hpet.WriteMmio(0x20, 4, 4);
        hub.LocalApic.WriteMmio(0xB0, 4, 0);
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void The_legacy_route_takes_the_place_of_the_8254_and_the_RTC()
    {
        Load(0, 0x34, 1000);
        hpet.WriteMmio(0x10, 4, 3);
        clock.Now = pit.NextEvent;
        pit.Advance();
        Assert.False(hub.HasPendingInterrupt(0));
        hpet.WriteMmio(0x120, 4, 4);
        hpet.WriteMmio(0x128, 8, 1_000_000);
        clock.Now = hpet.NextEvent;
        hpet.Advance();
        Assert.Equal(0x48, Take());
        hpet.WriteMmio(0x10, 4, 1);
        pit.Advance();
        Assert.Equal(0x42, Take());
    }

    [Fact]
    public void A_route_that_is_not_offered_is_not_taken()
    {
        hpet.WriteMmio(0x100, 4, 3 << 9);
        Assert.Equal(0ul, hpet.ReadMmio(0x100, 4) >> 9 & 31);
        hpet.WriteMmio(0x100, 4, 2 << 9);
        Assert.Equal(2ul, hpet.ReadMmio(0x100, 4) >> 9 & 31);
    }

    private void Route(uint pin, uint entry)
    {
        hub.IoApic.WriteMmio(0, 4, 0x10 + 2 * pin);
        hub.IoApic.WriteMmio(0x10, 4, entry);
    }

    private int Take(bool end = true)
    {
        Assert.True(hub.HasPendingInterrupt(0));
        byte vector = hub.Acknowledge(0);
        if (end)
            hub.LocalApic.WriteMmio(0xB0, 4, 0);
        return vector;
    }

    private void Load(int channel, byte control, int count)
    {
        pit.WritePort(0x43, 1, control);
        pit.WritePort((ushort)(0x40 + channel), 1, (uint)(count & 0xFF));
        pit.WritePort((ushort)(0x40 + channel), 1, (uint)(count >> 8 & 0xFF));
    }

    private int ReadCount(int channel)
    {
        uint low = pit.ReadPort((ushort)(0x40 + channel), 1);
        return (int)(low | pit.ReadPort((ushort)(0x40 + channel), 1) << 8);
    }

    private int Status(int channel)
    {
        pit.WritePort(0x43, 1, (uint)(0xE0 | 2 << channel));
        return (int)pit.ReadPort((ushort)(0x40 + channel), 1);
    }

    private uint Cmos(uint register)
    {
        rtc.WritePort(0x70, 1, register);
        return rtc.ReadPort(0x71, 1);
    }

    private void Cmos(uint register, byte value)
    {
        rtc.WritePort(0x70, 1, register);
        rtc.WritePort(0x71, 1, value);
    }

    private string ReadTime() => $"{Cmos(0x32):X2}{Cmos(9):X2}-{Cmos(8):X2}-{Cmos(7):X2} {Cmos(4):X2}:{Cmos(2):X2}:{Cmos(0):X2} {Cmos(6):X}";
}
