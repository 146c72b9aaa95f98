using System.Collections.Generic;
using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Hv.Shadow.Machine;
using Xunit;

namespace Hv.HostTests;

/// <summary>A copy of a platform that goes on running: what the copy finds, and that nothing is taken away from the original.</summary>
public sealed class ForkPlatformTests
{
    private static readonly HashSet<string> PicOnly = ["PicChip._request", "PicChip._lines", "PicChip._readService"];

    private readonly VirtualClock _clock = new() { Now = 5_000_000_000 };
    private readonly ModelHardware _hardware;
    private readonly VirtualPlatform _model;
    private readonly VirtualPlatform _fork;
    private readonly PrimaryPorts _ports;

    public ForkPlatformTests()
    {
        var configuration = new PlatformConfiguration
        {
            ApicIds = [0],
            ApicBusHertz = 100_000_000,
            TscHertz = 2_000_000_000,
            IoApicAddress = PlatformConfiguration.UsualIoApicAddress,
            HpetAddress = PlatformConfiguration.UsualHpetAddress,
            Acpi = LegacyDeviceTests.SampleConfiguration(),
        };
        _hardware = new ModelHardware(_clock, configuration);
        _model = new VirtualPlatform(new VirtualClock(), configuration);
        _fork = new VirtualPlatform(_clock, configuration);
        _ports = new PrimaryPorts(_hardware.Machine, new HotAddEvent(_hardware.Machine));
        _ports.Observe(_model, new ClockTime(_clock));
    }

    [Fact]
    public void Vector_bases_and_modes_of_the_interrupt_controllers_are_known_from_the_writes()
    {
        foreach ((ushort port, byte value) in new (ushort, byte)[]
        {
            (0x20, 0x11), (0x21, 0x30), (0x21, 4), (0x21, 3), (0x21, 0xFB), (0xA0, 0x11), (0xA1, 0x38), (0xA1, 2), (0xA1, 1), (0xA1, 0xEE), (0x20, 0xC3),
        })
            _ports.WritePort(port, 1, value);
        Assert.Equal(0xFBu, _ports.ReadPort(0x21, 1));
        Fork();
        Assert.Empty(StateDifference.Find(_hardware.Machine.Interrupts.Pic, _fork.Interrupts.Pic, PicOnly));
    }

    [Fact]
    public void A_wide_access_reaches_real_device_and_model_byte_by_byte()
    {
        _ports.WritePort(0x20, 2, 0x3011);
        _ports.WritePort(0x21, 1, 4);
        _ports.WritePort(0x21, 1, 1);
        Fork();
        Assert.Empty(StateDifference.Find(_hardware.Machine.Interrupts.Pic, _fork.Interrupts.Pic, PicOnly));
    }

    [Fact]
    public void The_period_of_the_8254_is_known_from_the_writes()
    {
        _ports.WritePort(0x43, 1, 0x34);
        _ports.WritePort(0x40, 1, 0x9C);
        _ports.WritePort(0x40, 1, 0x2E);
        _clock.Now += 3_333_333;
        Fork();
        for (int i = 0; i < 5; i++)
        {
            Assert.InRange((long)(_fork.Pit.NextEvent - _hardware.Machine.Pit.NextEvent), -2000, 2000);
            _clock.Now = System.Math.Max(_fork.Pit.NextEvent, _hardware.Machine.Pit.NextEvent);
            _fork.Advance();
            _hardware.Machine.Advance();
        }
    }

    [Fact]
    public void The_keyboard_controller_is_known_from_the_writes_and_keeps_the_byte_that_waits()
    {
        _ports.WritePort(0x64, 1, 0x60);
        _ports.WritePort(0x60, 1, 0x47);
        _ports.WritePort(0x64, 1, 0xD2);
        _ports.WritePort(0x60, 1, 0x1E);
        Fork();
        Assert.Equal(1u, _ports.ReadPort(0x64, 1) & 1);
        Assert.Equal(0x1Eu, _ports.ReadPort(0x60, 1));
        Assert.Equal(0u, _fork.ReadPort(0x64, 1) & 1);
        _fork.WritePort(0x64, 1, 0x20);
        Assert.Equal(0x47u, _fork.ReadPort(0x60, 1));
    }

    [Fact]
    public void A_reset_that_the_primary_asked_for_is_not_the_forks()
    {
        _ports.WritePort(0x64, 1, 0xFE);
        Fork();
        Assert.Equal(ResetRequest.None, _fork.ResetRequest);
    }

    [Fact]
    public void The_configuration_address_is_the_one_that_the_primary_has_written()
    {
        _ports.WritePort(0xCF8, 4, 0x8000_1234);
        _hardware.Machine.WritePort(0xCF8, 4, 0x8000_0000);
        Fork();
        Assert.Equal(0x8000_1234u, _fork.ReadPort(0xCF8, 4));
    }

    [Theory]
    [InlineData(0x0002_0040u)]
    [InlineData(0x0000_0040u)]
    public void A_timer_whose_count_reads_zero_fires_in_the_fork(uint lvt)
    {
        LocalApic real = _hardware.Machine.Interrupts.LocalApic;
        real.WriteMmio(0xF0, 4, 0x1FF);
        real.WriteMmio(0x3E0, 4, 0xB);
        real.WriteMmio(0x320, 4, lvt);
        real.WriteMmio(0x380, 4, 1000);
        _clock.Now += 10_000;
        Assert.True((lvt & 0x2_0000) != 0 || real.ReadMmio(0x390, 4) == 0);
        Fork();
        _clock.Now += 20_000;
        _fork.Advance();
        Assert.True(_fork.Interrupts.TryGetVector(0, out byte vector));
        Assert.Equal(0x40, vector);
    }

    [Fact]
    public void Interrupts_in_service_and_requested_are_in_the_fork_and_stay_where_they_were()
    {
        LocalApic real = _hardware.Machine.Interrupts.LocalApic;
        real.WriteMmio(0xF0, 4, 0x1FF);
        _hardware.Machine.Interrupts.SendMessage(0xFEE0_0000, 0x51);
        Assert.Equal(0x51, _hardware.Machine.Interrupts.Acknowledge(0));
        _hardware.Machine.Interrupts.SendMessage(0xFEE0_0000, 0x42);
        Fork();
        Assert.False(_fork.Interrupts.TryGetVector(0, out _));
        _fork.Interrupts.LocalApic.WriteMmio(0xB0, 4, 0);
        Assert.True(_fork.Interrupts.TryGetVector(0, out byte vector));
        Assert.Equal(0x42, vector);
        Assert.False(real.IsIdle);
        real.WriteMmio(0xB0, 4, 0);
        Assert.True(_hardware.Machine.Interrupts.TryGetVector(0, out vector));
        Assert.Equal(0x42, vector);
    }

    [Fact]
    public void A_level_of_a_device_that_is_gone_ends_with_its_EOI()
    {
        LocalApic real = _hardware.Machine.Interrupts.LocalApic;
        real.WriteMmio(0xF0, 4, 0x1FF);
        _hardware.Machine.Interrupts.IoApic.WriteMmio(0, 4, 0x10 + 2 * 19);
        _hardware.Machine.Interrupts.IoApic.WriteMmio(0x10, 4, 0x8061);
        _hardware.Machine.Interrupts.SetGsi(19, true);
        Fork();
        Assert.Equal(0x61, _fork.Interrupts.Acknowledge(0));
        Assert.False(_fork.IsIdle);
        _fork.Interrupts.LocalApic.WriteMmio(0xB0, 4, 0);
        Assert.True(_fork.IsIdle);
        Assert.False(_fork.Interrupts.HasPendingInterrupt(0));
    }

    [Fact]
    public void A_serial_port_that_waits_for_its_transmitter_is_served_in_the_fork()
    {
        LocalApic real = _hardware.Machine.Interrupts.LocalApic;
        real.WriteMmio(0xF0, 4, 0x1FF);
        _hardware.Machine.Interrupts.IoApic.WriteMmio(0, 4, 0x10 + 2 * 4);
        _hardware.Machine.Interrupts.IoApic.WriteMmio(0x10, 4, 0x34);
        _hardware.Machine.WritePort(0x3FC, 1, 0x08);
        _hardware.Machine.WritePort(0x3F9, 1, 0x02);
        // The handler has run: the port waits for the next time that the transmitter is empty.
        _hardware.Machine.ReadPort(0x3FA, 1);
        Assert.Equal(0x34, _hardware.Machine.Interrupts.Acknowledge(0));
        real.WriteMmio(0xB0, 4, 0);
        Fork();
        Assert.True(_fork.Interrupts.TryGetVector(0, out byte vector));
        Assert.Equal(0x34, vector);
        Assert.Equal(0x02u, _fork.ReadPort(0x3FA, 1) & 0x0F);
    }

    private void Fork()
    {
        _model.Clock.Now = _clock.Now;
        _fork.CopyFrom(_model);
        _fork.CaptureRunning(_hardware.Real, _ports);
        _fork.CaptureLocal(0, _hardware.Real);
    }

    private sealed class ClockTime(VirtualClock clock) : TimeSource
    {
        public override ulong Nanoseconds => clock.Now;
    }
}
