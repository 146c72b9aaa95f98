using System;
using System.Linq;
using Hv.Drivers.Platform;
using Xunit;

namespace Hv.HostTests.Power;

public sealed class PowerPortsTests
{
    private const ushort Pm1Event = 0x600, Pm1Control = 0x604, Pm1ControlB = 0x644, AcpiReset = 0x620;
    private const byte ResetValue = 0x5A, SuspendType = 5, OffType = 7;
    private readonly PowerPorts _ports = Make();

    private static PowerPorts Make(ushort reset = AcpiReset, ushort controlB = Pm1ControlB, bool hasSuspend = true) => new(new AcpiConfiguration
    {
        Pm1Event = Pm1Event, Pm1Control = Pm1Control, Pm1ControlB = controlB, ResetPort = reset, ResetValue = ResetValue,
        SleepTypeOff = OffType, SleepTypeSuspend = hasSuspend ? SuspendType : (byte)0, HasSuspend = hasSuspend,
    });

    [Theory]
    [InlineData(0xCF9, 1, 0x06, PowerRequest.Reset)]
    [InlineData(0xCF9, 1, 0x0E, PowerRequest.Reset)]
    [InlineData(0xCF9, 1, 0x02, PowerRequest.None)]
    [InlineData(0x92, 1, 0x03, PowerRequest.Reset)]
    [InlineData(0x92, 1, 0x02, PowerRequest.None)]
    [InlineData(0x64, 1, 0xFE, PowerRequest.Reset)]
    [InlineData(0x64, 1, 0xF0, PowerRequest.Reset)]
    [InlineData(0x64, 1, 0xFF, PowerRequest.None)]
    [InlineData(0x64, 1, 0xD1, PowerRequest.None)]
    [InlineData(AcpiReset, 1, ResetValue, PowerRequest.Reset)]
    [InlineData(AcpiReset, 1, ResetValue + 1, PowerRequest.None)]
    [InlineData(Pm1Control, 2, SuspendType << 10 | 1, PowerRequest.None)]
    [InlineData(Pm1Control, 2, 1 << 13 | SuspendType << 10 | 1, PowerRequest.Suspend)]
    [InlineData(Pm1Control, 2, 1 << 13 | OffType << 10, PowerRequest.Sleep)]
    [InlineData(Pm1Control, 1, 0xFF, PowerRequest.None)]
    [InlineData(Pm1Control + 1, 1, 1 << 5 | SuspendType << 2, PowerRequest.Suspend)]
    [InlineData(Pm1ControlB, 2, 1 << 13 | SuspendType << 10, PowerRequest.Suspend)]
    [InlineData(Pm1ControlB + 1, 1, 1 << 5 | OffType << 2, PowerRequest.Sleep)]
    public void A_write_asks_for_what_the_manuals_say(int port, int size, int value, PowerRequest request) =>
        Assert.Equal(request, _ports.Decode((ushort)port, size, (uint)value));

    [Fact]
    public void A_bit_that_resets_counts_when_it_is_set_anew()
    {
        PowerPorts ports = Make(reset: 0xCF9);
        Assert.Equal(PowerRequest.None, ports.Decode(0xCF9, 1, 0x02));
        Assert.Equal(PowerRequest.Reset, ports.Decode(0xCF9, 1, 0x06));
        Assert.Equal(PowerRequest.Reset, ports.Decode(0xCF9, 1, 0x06));
        Assert.Equal(PowerRequest.Reset, ports.Decode(0xCF9, 1, ResetValue));
    }

    [Fact]
    public void Without_S3_its_sleep_type_is_another_state() =>
        Assert.Equal(PowerRequest.Sleep, Make(hasSuspend: false).Decode(Pm1Control, 2, 1 << 13));

    [Fact]
    public void What_Hv_does_not_take_is_the_hardwares()
    {
        Assert.False(_ports.Offer(0xCF9, 1, 0x06));
        Assert.False(_ports.Offer(Pm1Control, 2, 1 << 13 | SuspendType << 10));
        Assert.Equal(PowerRequest.None, _ports.Pending);
        _ports.TakesResets = _ports.TakesSuspends = true;
        Assert.False(_ports.Offer(0xCF9, 1, 0x02));
        Assert.False(_ports.Offer(Pm1Control, 2, 1 << 13 | OffType << 10));
        Assert.Equal(PowerRequest.None, _ports.Pending);
    }

    [Fact]
    public void What_Hv_takes_waits_until_it_is_carried_out_and_the_first_one_counts()
    {
        _ports.TakesResets = _ports.TakesSuspends = true;
        Assert.True(_ports.Offer(0x64, 1, 0xFE));
        Assert.True(_ports.Offer(Pm1Control, 2, 1 << 13 | SuspendType << 10));
        Assert.Equal((PowerRequest.Reset, (ushort)0x64, 1, 0xFEu), (_ports.Pending, _ports.Port, _ports.Size, _ports.Value));
        _ports.Clear();
        Assert.True(_ports.Offer(Pm1Control, 2, 1 << 13 | SuspendType << 10));
        Assert.Equal(PowerRequest.Suspend, _ports.Pending);
    }

    [Theory]
    [InlineData(AcpiReset, Pm1ControlB, 7)]
    [InlineData(0, Pm1ControlB, 6)]
    [InlineData(AcpiReset, 0, 5)]
    [InlineData(0, 0, 4)]
    public void Every_port_that_must_be_watched_has_a_number(int reset, int controlB, int count)
    {
        PowerPorts ports = Make((ushort)reset, (ushort)controlB);
        ushort[] expected = [0xCF9, 0x92, .. reset == 0 ? Array.Empty<ushort>() : [AcpiReset], Pm1Control, Pm1Control + 1,
            .. controlB == 0 ? Array.Empty<ushort>() : [Pm1ControlB, Pm1ControlB + 1]];
        ushort[] numbers = [.. Enumerable.Range(0, ports.Count).Select(index => ports.Number(index))];
        Assert.Equal(count, ports.Count);
        Assert.Equal(expected, numbers);
        Assert.All(numbers, port => Assert.True(ports.Owns(port)));
        Assert.False(ports.Owns(0));
        Assert.False(ports.Owns(0xCF8));
    }

    [Fact]
    public void A_refused_suspend_looks_like_one_that_is_over_until_the_system_clears_the_status()
    {
        Assert.Equal(0x0001u, _ports.Read(Pm1Event, 2, 0x0001));
        _ports.PretendsWake = true;
        Assert.Equal(0x8001u, _ports.Read(Pm1Event, 2, 0x0001));
        Assert.Equal(0x80u, _ports.Read(Pm1Event + 1, 1, 0));
        Assert.Equal(0u, _ports.Read(Pm1Event, 1, 0));
        Assert.Equal(0u, _ports.Read(Pm1Control, 2, 0));
        Assert.False(_ports.Offer(Pm1Event, 2, 0x0100));
        Assert.True(_ports.PretendsWake);
        Assert.False(_ports.Offer(Pm1Event, 2, 0x8000));
        Assert.False(_ports.PretendsWake);
    }
}
