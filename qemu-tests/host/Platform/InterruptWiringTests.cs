using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>8259 pair and I/O APIC against their data sheets, and the way to the processor.</summary>
public sealed class InterruptWiringTests
{
    private readonly VirtualClock clock = new();
    private readonly LocalApic apic;
    private readonly PlatformInterrupts hub;

    public InterruptWiringTests()
    {
        apic = new LocalApic(clock, 0, 1_000_000_000, 1_000_000_000, hasX2Apic: true, hasDeadline: true);
        hub = new PlatformInterrupts([apic]);
    }

    [Fact]
    public void As_UEFI_firmware_leaves_it_the_8259_interrupts_through_LINT0()
    {
        StartPics();
        EnableApic();
        apic.WriteMmio(0x350, 4, 0x700);
        Out(0x21, 0xFE);
        Pulse(0);
        Assert.True(hub.TryGetVector(0, out byte vector));
        Assert.Equal(0x68, vector);
        Assert.Equal(0x68, hub.Acknowledge(0));
        Pulse(0);
        Assert.False(hub.HasPendingInterrupt(0));
        Out(0x20, 0x20);
        Assert.Equal(0x68, hub.Acknowledge(0));
    }

    [Fact]
    public void With_the_APIC_off_the_8259_reaches_the_processor_and_with_LINT0_masked_it_does_not()
    {
        StartPics();
        Pulse(1);
        Assert.False(hub.HasPendingInterrupt(0));
        apic.WriteMsr(0x1B, 0xFEE0_0100);
        Assert.Equal(0x69, hub.Acknowledge(0));
    }

    [Fact]
    public void The_slave_comes_through_the_cascade_between_IRQ_1_and_IRQ_3()
    {
        StartPics();
        VirtualWire();
        Pulse(3);
        Pulse(14);
        Pulse(8);
        Pulse(1);
        Assert.Equal(0x69, Take());
        Out(0x20, 0x20);
        Assert.Equal(0x70, Take());
        Assert.False(hub.HasPendingInterrupt(0));
        Out(0xA0, 0x20);
        Out(0x20, 0x20);
        Assert.Equal(0x76, Take());
        Out(0xA0, 0x20);
        Out(0x20, 0x20);
        Assert.Equal(0x6B, Take());
        Out(0x20, 0x20);
        Assert.True(hub.Pic.IsIdle);
    }

    [Fact]
    public void IRR_ISR_and_IMR_can_be_read()
    {
        StartPics();
        VirtualWire();
        Out(0x21, 0x02);
        Pulse(1);
        Pulse(4);
        Assert.Equal(0x02u, In(0x21));
        Assert.Equal(0x12u, In(0x20));
        Take();
        Out(0x20, 0x0B);
        Assert.Equal(0x10u, In(0x20));
        Out(0x20, 0x0A);
        Assert.Equal(0x02u, In(0x20));
    }

    [Fact]
    public void Specific_EOI_rotation_and_set_priority()
    {
        StartPics();
        VirtualWire();
        Out(0x20, 0xC3);
        Pulse(1);
        Pulse(4);
        Assert.Equal(0x6C, Take());
        Out(0x20, 0xE4);
        Assert.Equal(0x69, Take());
        Out(0x20, 0x61);
        Assert.True(hub.Pic.IsIdle);
        Pulse(4);
        Pulse(5);
        Assert.Equal(0x6D, Take());
        Out(0x20, 0xA0);
        Pulse(5);
        Assert.Equal(0x6C, Take());
    }

    [Fact]
    public void Automatic_EOI_leaves_nothing_in_service()
    {
        Out(0x20, 0x11);
        Out(0x21, 0x20);
        Out(0x21, 0x04);
        Out(0x21, 0x03);
        VirtualWire();
        Pulse(5);
        Assert.Equal(0x25, Take());
        Assert.True(hub.Pic.IsIdle);
        Out(0x20, 0x80);
        Pulse(5);
        Take();
        Pulse(5);
        Pulse(6);
        Assert.Equal(0x26, Take());
    }

    [Fact]
    public void Special_mask_mode_lets_lower_priorities_in()
    {
        StartPics();
        VirtualWire();
        Pulse(1);
        Take();
        Pulse(5);
        Assert.False(hub.HasPendingInterrupt(0));
        Out(0x21, 0x02);
        Out(0x20, 0x68);
        Assert.Equal(0x6D, Take());
        Out(0x20, 0x20);
        Out(0x20, 0x48);
        Assert.False(hub.Pic.IsIdle);
    }

    [Fact]
    public void Special_fully_nested_mode_lets_the_slave_interrupt_itself()
    {
        Out(0x20, 0x11);
        Out(0x21, 0x20);
        Out(0x21, 0x04);
        Out(0x21, 0x11);
        Out(0xA0, 0x11);
        Out(0xA1, 0x28);
        Out(0xA1, 0x02);
        Out(0xA1, 0x01);
        VirtualWire();
        Pulse(12);
        Assert.Equal(0x2C, Take());
        Pulse(10);
        Assert.Equal(0x2A, Take());
    }

    [Fact]
    public void Polling_acknowledges()
    {
        StartPics();
        Pulse(4);
        Out(0x20, 0x0C);
        Assert.Equal(0x84u, In(0x20));
        Out(0x20, 0x0C);
        Assert.Equal(0u, In(0x20));
        Assert.False(hub.Pic.IsIdle);
    }

    [Fact]
    public void A_level_request_follows_its_line_and_an_edge_request_does_not()
    {
        StartPics();
        VirtualWire();
        Out(0x4D1, 0x0C);
        Out(0x4D0, 0xFF);
        Assert.Equal(0xF8u, In(0x4D0));
        hub.SetIsaLine(11, true);
        Assert.True(hub.HasPendingInterrupt(0));
        hub.SetIsaLine(11, false);
        Assert.False(hub.HasPendingInterrupt(0));
        hub.SetIsaLine(11, true);
        Assert.Equal(0x73, Take());
        Out(0xA0, 0x20);
        Out(0x20, 0x20);
        Assert.Equal(0x73, Take());
    }

    [Fact]
    public void Initialization_forgets_edges_and_masks()
    {
        StartPics();
        Out(0x21, 0xFF);
        Pulse(1);
        StartPics();
        Assert.Equal(0u, In(0x20));
        Assert.Equal(0u, In(0x21));
    }

    [Fact]
    public void Acknowledging_nothing_is_spurious()
    {
        StartPics();
        EnableApic();
        Assert.Equal(0xFF, hub.Acknowledge(0));
        Assert.Equal(0x6F, hub.Pic.Acknowledge());
        Assert.True(hub.Pic.IsIdle);
    }

    [Fact]
    public void IO_APIC_power_on_state()
    {
        Assert.Equal(0x0017_0020u, Io(1));
        for (uint i = 0; i < 24; i++)
        {
            Assert.Equal(0x10000u, Io(0x10 + 2 * i));
            Assert.Equal(0u, Io(0x11 + 2 * i));
        }
        Io(0, 0xFFFF_FFFF);
        Assert.Equal(0x0F00_0000u, Io(0));
        Assert.Equal(0u, Io(0x60));
        Io(0x10, uint.MaxValue);
        Assert.Equal(0x1AFFFu, Io(0x10));
    }

    [Fact]
    public void An_edge_at_an_unmasked_pin_interrupts_and_at_a_masked_one_is_lost()
    {
        EnableApic();
        Pulse(4);
        Io(0x18, 0x44);
        Assert.False(hub.HasPendingInterrupt(0));
        Pulse(4);
        Assert.Equal(0x44, Take());
        apic.WriteMmio(0xB0, 4, 0);
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void ISA_interrupt_0_is_pin_2()
    {
        EnableApic();
        Io(0x10, 0x40);
        Io(0x14, 0x42);
        Pulse(0);
        Assert.Equal(0x42, Take());
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void A_level_interrupt_comes_again_after_its_end_while_the_line_is_up()
    {
        EnableApic();
        Io(0x10 + 2 * 18, 0x8050);
        hub.SetGsi(18, true);
        Assert.Equal(0xC050u, Io(0x10 + 2 * 18));
        Assert.Equal(0x50, Take());
        hub.SetGsi(18, false);
        hub.SetGsi(18, true);
        Assert.False(hub.HasPendingInterrupt(0));
        apic.WriteMmio(0xB0, 4, 0);
        Assert.Equal(0x50, Take());
        hub.SetGsi(18, false);
        apic.WriteMmio(0xB0, 4, 0);
        Assert.False(hub.HasPendingInterrupt(0));
        Assert.True(hub.IsIdle);
    }

    [Fact]
    public void The_EOI_register_and_edge_mode_clear_remote_IRR()
    {
        EnableApic();
        Io(0x10 + 2 * 18, 0x8050);
        hub.SetGsi(18, true);
        hub.SetGsi(18, false);
        hub.IoApic.WriteMmio(0x40, 4, 0x50);
        Assert.Equal(0x8050u, Io(0x10 + 2 * 18));
        hub.SetGsi(18, true);
        hub.SetGsi(18, false);
        Io(0x10 + 2 * 18, 0x10050);
        Io(0x10 + 2 * 18, 0x18050);
        Assert.Equal(0x18050u, Io(0x10 + 2 * 18));
    }

    [Fact]
    public void A_level_that_waits_behind_a_mask_comes_when_it_goes()
    {
        EnableApic();
        hub.SetGsi(20, true);
        Io(0x10 + 2 * 20, 0x18051);
        Assert.False(hub.HasPendingInterrupt(0));
        Io(0x10 + 2 * 20, 0x8051);
        Assert.Equal(0x51, Take());
    }

    [Fact]
    public void Shared_lines_are_up_while_any_source_is()
    {
        EnableApic();
        Io(0x10 + 2 * 20, 0x8051);
        GsiLine a = hub.NewGsiLine(20), b = hub.NewGsiLine(20);
        a.Set(true);
        b.Set(true);
        a.Set(false);
        Take();
        apic.WriteMmio(0xB0, 4, 0);
        Assert.Equal(0x51, Take());
        b.Set(false);
        apic.WriteMmio(0xB0, 4, 0);
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void Pins_can_deliver_NMI_and_the_vector_of_the_8259()
    {
        EnableApic();
        StartPics();
        Io(0x10 + 2 * 22, 0x400);
        hub.SetGsi(22, true);
        Assert.True(hub.HasPendingNmi(0));
        Pulse(3);
        Assert.False(hub.HasPendingInterrupt(0));
        Io(0x10, 0x700);
        Assert.Equal(0x6B, Take());
    }

    [Fact]
    public void LINT0_in_fixed_mode_hears_the_edges_of_INTR()
    {
        EnableApic();
        StartPics();
        apic.WriteMmio(0x350, 4, 0x39);
        Pulse(0);
        Assert.Equal(0x39, Take());
        apic.WriteMmio(0xB0, 4, 0);
        Assert.False(hub.HasPendingInterrupt(0));
    }

    [Fact]
    public void The_local_APIC_goes_before_the_8259()
    {
        StartPics();
        VirtualWire();
        Pulse(1);
        hub.SendMessage(0xFEE0_0000, 0x31);
        Assert.Equal(0x31, Take());
        Assert.Equal(0x69, Take());
    }

    private uint In(ushort port) => hub.ReadPicPort(port);

    private void Out(ushort port, byte value) => hub.WritePicPort(port, value);

    private uint Io(uint register)
    {
        hub.IoApic.WriteMmio(0, 4, register);
        return (uint)hub.IoApic.ReadMmio(0x10, 4);
    }

    private void Io(uint register, uint value)
    {
        hub.IoApic.WriteMmio(0, 4, register);
        hub.IoApic.WriteMmio(0x10, 4, value);
    }

    private void Pulse(int irq)
    {
        hub.SetIsaLine(irq, true);
        hub.SetIsaLine(irq, false);
    }

    private int Take()
    {
        Assert.True(hub.TryGetVector(0, out byte vector));
        Assert.Equal(vector, hub.Acknowledge(0));
        return vector;
    }

    private void EnableApic() => apic.WriteMmio(0xF0, 4, 0x1FF);

    private void VirtualWire()
    {
        EnableApic();
        apic.WriteMmio(0x350, 4, 0x700);
    }

    private void StartPics()
    {
        Out(0x20, 0x11);
        Out(0x21, 0x68);
        Out(0x21, 0x04);
        Out(0x21, 0x01);
        Out(0xA0, 0x11);
        Out(0xA1, 0x70);
        Out(0xA1, 0x02);
        Out(0xA1, 0x01);
    }
}
