using System.Collections.Generic;
using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>Keyboard controller, serial port, reset ports and ACPI against their data sheets.</summary>
public sealed class LegacyDeviceTests
{
    private readonly VirtualClock clock = new();
    private readonly PlatformInterrupts hub;
    private readonly ResetLatch latch = new();
    private readonly I8042 keyboard;
    private readonly Uart16550 uart;
    private readonly SerialLog log = new();
    private readonly ResetPorts reset;
    private readonly AcpiPm acpi;

    public LegacyDeviceTests()
    {
        hub = new PlatformInterrupts([new LocalApic(clock, 0, 1_000_000_000, 1_000_000_000, hasX2Apic: false, hasDeadline: false)]);
        keyboard = new I8042(hub.NewIsaLine(1), hub.NewIsaLine(12), latch);
        uart = new Uart16550(0x3F8, hub.NewIsaLine(4), log);
        reset = new ResetPorts(latch);
        acpi = new AcpiPm(clock, SampleConfiguration(), hub.NewGsiLine(9), latch);
        hub.LocalApic.WriteMmio(0xF0, 4, 0x1FF);
        foreach (uint pin in (uint[])[1, 4, 12])
            Route(pin, 0x40 + pin);
        Route(9, 0x8049);
    }

    internal static AcpiConfiguration SampleConfiguration() => new()
    {
        Pm1Event = 0x600,
        Pm1Control = 0x604,
        PmTimer = 0x608,
        Gpe0 = 0x620,
        Gpe0Length = 16,
        SmiCommand = 0xB2,
        AcpiEnable = 2,
        AcpiDisable = 3,
        SciGsi = 9,
        SleepTypeOff = 0,
        ResetPort = 0xCF9,
        ResetValue = 0x0F,
    };

    [Fact]
    public void The_controller_passes_its_tests()
    {
        Assert.Equal([0x55], Command(0xAA));
        Assert.Equal([0x00], Command(0xAB));
        Assert.Equal([0x00], Command(0xA9));
        Assert.Equal(0x04u, keyboard.ReadPort(0x64, 1) & 0x04);
    }

    [Fact]
    public void The_command_byte_is_written_and_read()
    {
        keyboard.WritePort(0x64, 1, 0x60);
        keyboard.WritePort(0x60, 1, 0x47);
        Assert.Equal([0x47], Command(0x20));
        Command(0xA7);
        Command(0xAD);
        Assert.Equal([0x77], Command(0x20));
        Command(0xA8);
        Command(0xAE);
        Assert.Equal([0x47], Command(0x20));
    }

    [Fact]
    public void The_mouse_port_loops_back_as_Linux_probes_it()
    {
        keyboard.WritePort(0x64, 1, 0xD3);
        keyboard.WritePort(0x60, 1, 0x5A);
        Assert.Equal(0x21u, keyboard.ReadPort(0x64, 1) & 0x21);
        Assert.Equal(0x5Au, keyboard.ReadPort(0x60, 1));
        Assert.Equal(0x4C, Take());
        keyboard.WritePort(0x64, 1, 0xD2);
        keyboard.WritePort(0x60, 1, 0xA5);
        Assert.Equal(0x01u, keyboard.ReadPort(0x64, 1) & 0x21);
        Assert.Equal(0x41, Take());
    }

    [Fact]
    public void The_keyboard_answers_what_a_driver_asks()
    {
        SetCommandByte(0x03);
        Assert.Equal([0xFA, 0xAB, 0x83], Keyboard(0xF2));
        Assert.Equal([0xFA, 0xAA], Keyboard(0xFF));
        Assert.Equal([0xEE], Keyboard(0xEE));
        Assert.Equal([0xFA], Keyboard(0xED));
        Assert.Equal([0xFA], Keyboard(0x02));
        Assert.Equal([0xFA], Keyboard(0xF0));
        Assert.Equal([0xFA, 0x02], Keyboard(0x00));
        Assert.Equal([0xFE], Keyboard(0x99));
        Assert.Equal([0xFE], Keyboard(0xFE));
        SetCommandByte(0x43);
        Assert.Equal([0xFA, 0xAB, 0x41], Keyboard(0xF2));
    }

    [Fact]
    public void The_mouse_answers_what_a_driver_asks()
    {
        Assert.Equal([0xFA, 0xAA, 0x00], Mouse(0xFF));
        Assert.Equal([0xFA, 0x00], Mouse(0xF2));
        Assert.Equal([0xFA], Mouse(0xE8));
        Assert.Equal([0xFA], Mouse(0x03));
        Assert.Equal([0xFA], Mouse(0xF3));
        Assert.Equal([0xFA], Mouse(0x50));
        Assert.Equal([0xFA], Mouse(0xF4));
        Assert.Equal([0xFA, 0x20, 0x03, 0x50], Mouse(0xE9));
    }

    [Fact]
    public void Each_byte_interrupts_and_a_disabled_port_holds_its_bytes_back()
    {
        SetCommandByte(0x03);
        keyboard.WritePort(0x60, 1, 0xF2);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(0x41, Take());
            keyboard.ReadPort(0x60, 1);
        }
        Assert.False(hub.HasPendingInterrupt(0));
        keyboard.WritePort(0x60, 1, 0xF2);
        keyboard.ReadPort(0x60, 1);
        keyboard.ReadPort(0x60, 1);
        keyboard.WritePort(0x64, 1, 0xAD);
        keyboard.ReadPort(0x60, 1);
        Assert.Equal(0u, keyboard.ReadPort(0x64, 1) & 1);
    }

    [Theory]
    [InlineData(0x64, 0xFE, false)]
    [InlineData(0x64, 0xF0, false)]
    [InlineData(0x64, 0xFF, true)]
    public void The_pulse_of_line_0_resets(ushort port, byte value, bool nothing)
    {
        keyboard.WritePort(port, 1, value);
        Assert.Equal(nothing ? ResetRequest.None : ResetRequest.Reset, latch.Request);
    }

    [Fact]
    public void The_output_port_resets_too()
    {
        Assert.Equal([0x03], Command(0xD0));
        keyboard.WritePort(0x64, 1, 0xD1);
        keyboard.WritePort(0x60, 1, 0x02);
        Assert.Equal(ResetRequest.Reset, latch.Request);
    }

    [Fact]
    public void Ports_CF9h_and_92h_reset_on_the_edge()
    {
        reset.WritePort(0xCF9, 1, 0x02);
        reset.WritePort(0x92, 1, 0x02);
        Assert.Equal(ResetRequest.None, latch.Request);
        reset.WritePort(0xCF9, 1, 0x06);
        Assert.Equal(ResetRequest.Reset, latch.Request);
        latch.Clear();
        reset.WritePort(0x92, 1, 0x03);
        Assert.Equal(ResetRequest.Reset, latch.Request);
    }

    [Fact]
    public void What_is_sent_is_in_the_log()
    {
        foreach (char c in "Linux")
            uart.WritePort(0x3F8, 1, c);
        Assert.Equal(5ul, log.Written);
        Assert.Equal((byte)'L', log[0]);
        Assert.Equal((byte)'x', log[4]);
        for (int i = 0; i < SerialLog.Capacity; i++)
            uart.WritePort(0x3F8, 1, (byte)i);
        Assert.Equal(5ul, log.Oldest);
        Assert.Equal(0, log[4]);
        Assert.Equal(0xFF, log[log.Written - 1]);
    }

    [Fact]
    public void The_divisor_hides_behind_the_latch_bit()
    {
        Uart(3, 0x83);
        Uart(0, 0x01);
        Uart(1, 0x00);
        Assert.Equal(1u, Uart(0));
        Uart(3, 0x03);
        Assert.Equal(0u, Uart(1));
        Assert.Equal(0ul, log.Written);
    }

    [Fact]
    public void Loopback_returns_bytes_and_modem_lines_as_Linux_probes_them()
    {
        Uart(4, 0x1A);
        Assert.Equal(0x90u, Uart(6) & 0xF0);
        Uart(0, 0x55);
        Assert.Equal(0x61u, Uart(5));
        Assert.Equal(0x55u, Uart(0));
        Assert.Equal(0ul, log.Written);
        Uart(4, 0x08);
        Assert.Equal(0xB0u, Uart(6) & 0xF0);
    }

    [Fact]
    public void The_FIFO_shows_itself_and_the_scratch_register_keeps()
    {
        Assert.Equal(0x01u, Uart(2));
        Uart(2, 0x01);
        Assert.Equal(0xC1u, Uart(2));
        Uart(7, 0xA5);
        Assert.Equal(0xA5u, Uart(7));
        Assert.Equal(0x60u, Uart(5));
    }

    [Fact]
    public void The_transmitter_interrupts_when_enabled_and_after_each_byte_until_the_ID_is_read()
    {
        Uart(4, 0x08);
        Uart(1, 0x02);
        Assert.Equal(0x44, Take());
        Assert.Equal(0x02u, Uart(2));
        Assert.Equal(0x01u, Uart(2));
        Uart(0, 'a');
        Assert.Equal(0x44, Take());
        Assert.Equal(0x02u, Uart(2));
    }

    [Fact]
    public void Received_bytes_interrupt_at_the_trigger_level_or_by_timeout()
    {
        Uart(2, 0x41);
        Uart(4, 0x08);
        Uart(1, 0x01);
        uart.Receive(1);
        Assert.Equal(0x44, Take());
        Assert.Equal(0xCCu, Uart(2));
        for (byte i = 2; i < 5; i++)
            uart.Receive(i);
        Assert.Equal(0xC4u, Uart(2));
        for (uint i = 1; i < 5; i++)
            Assert.Equal(i, Uart(0));
        Assert.Equal(0xC1u, Uart(2));
        for (int i = 0; i < 17; i++)
            uart.Receive(9);
        Assert.Equal(0x63u, Uart(5));
        Assert.Equal(0x61u, Uart(5));
        Uart(2, 0x03);
        Assert.Equal(0x60u, Uart(5));
    }

    [Fact]
    public void Without_OUT2_nothing_reaches_the_bus()
    {
        Uart(1, 0x02);
        Assert.False(hub.HasPendingInterrupt(0));
        Uart(4, 0x08);
        Assert.True(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void The_PM_timer_counts_24_bits_at_3_579545_MHz()
    {
        clock.Now = 1_000_000_000;
        Assert.Equal(3_579_545u, acpi.ReadPort(0x608, 4));
        clock.Now = 5_000_000_000;
        Assert.Equal(5u * 3_579_545 & 0xFFFFFF, acpi.ReadPort(0x608, 4));
    }

    [Fact]
    public void The_carry_of_the_PM_timer_is_a_level_SCI_in_ACPI_mode()
    {
        acpi.WritePort(0xB2, 1, 2);
        Assert.Equal(1u, acpi.ReadPort(0x604, 2));
        Assert.Equal(VirtualClock.Never, acpi.NextEvent);
        acpi.WritePort(0x602, 2, 1);
        clock.Now = acpi.NextEvent;
        Assert.Equal(TickScale.FromHertz(3_579_545).ToNanoseconds(1 << 23), clock.Now);
        acpi.Advance();
        Assert.Equal(1u, acpi.ReadPort(0x600, 2));
        Assert.Equal(0x49, Take(end: false));
        acpi.WritePort(0x600, 2, 1);
        Assert.Equal(0u, acpi.ReadPort(0x600, 2));
        hub.LocalApic.WriteMmio(0xB0, 4, 0);
        Assert.False(hub.HasPendingInterrupt(0));
        acpi.WritePort(0xB2, 1, 3);
        Assert.Equal(0u, acpi.ReadPort(0x604, 2));
    }

    [Fact]
    public void Sleep_enable_switches_off_or_sleeps()
    {
        acpi.WritePort(0x604, 2, 1 << 13 | 1);
        Assert.Equal(ResetRequest.PowerOff, latch.Request);
        Assert.Equal(1u, acpi.ReadPort(0x604, 2));
        latch.Clear();
        acpi.WritePort(0x604, 2, 1 << 13 | 3 << 10);
        Assert.Equal(ResetRequest.Sleep, latch.Request);
        Assert.Equal(3, acpi.LastSleepType);
    }

    [Fact]
    public void The_upper_half_of_PM1_control_alone_puts_to_sleep()
    {
        acpi.WritePort(0x605, 1, 3 << 2);
        Assert.Equal(ResetRequest.None, latch.Request);
        acpi.WritePort(0x605, 1, 1 << 5 | 3 << 2);
        Assert.Equal((ResetRequest.Sleep, (byte)3), (latch.Request, acpi.LastSleepType));
    }

    [Fact]
    public void A_shadows_enables_and_mode_stay_its_own_until_they_are_committed()
    {
        acpi.WritePort(0xB2, 1, 2);
        acpi.WritePort(0x602, 2, 0x0121);
        Assert.Equal(0x0121u, acpi.ReadPort(0x602, 2));
        acpi.WritePort(0x600, 2, 0xFFFF);
        Assert.Equal(0u, acpi.ReadPort(0x600, 2));
        Assert.Equal(1u, acpi.ReadPort(0x604, 2));
        Assert.Equal(ResetRequest.None, latch.Request);
        acpi.Reset();
        Assert.Equal((0u, 0u), (acpi.ReadPort(0x602, 2), acpi.ReadPort(0x604, 2)));
    }

    [Fact]
    public void General_purpose_events_have_enables_and_no_status()
    {
        for (ushort port = 0x620; port < 0x630; port++)
            acpi.WritePort(port, 1, 0x5A);
        for (ushort port = 0x620; port < 0x628; port++)
            Assert.Equal(0u, acpi.ReadPort(port, 1));
        for (ushort port = 0x628; port < 0x630; port++)
            Assert.Equal(0x5Au, acpi.ReadPort(port, 1));
    }

    private List<byte> Drain()
    {
        var bytes = new List<byte>();
        while ((keyboard.ReadPort(0x64, 1) & 1) != 0)
            bytes.Add((byte)keyboard.ReadPort(0x60, 1));
        return bytes;
    }

    private List<byte> Command(byte command)
    {
        keyboard.WritePort(0x64, 1, command);
        return Drain();
    }

    private List<byte> Keyboard(byte value)
    {
        keyboard.WritePort(0x60, 1, value);
        return Drain();
    }

    private List<byte> Mouse(byte value)
    {
        keyboard.WritePort(0x64, 1, 0xD4);
        return Keyboard(value);
    }

    private void SetCommandByte(byte value)
    {
        keyboard.WritePort(0x64, 1, 0x60);
        keyboard.WritePort(0x60, 1, value);
    }

    private uint Uart(int register) => uart.ReadPort((ushort)(0x3F8 + register), 1);

    private void Uart(int register, uint value) => uart.WritePort((ushort)(0x3F8 + register), 1, value);

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
}
