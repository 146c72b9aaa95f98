using System.Collections.Generic;
using Hv.Drivers.Platform;
using Hv.Kernel;
using Hv.Kernel.Io;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

public sealed class HotAddEventTests
{
    private const ushort Block = 0x620, StatusByte = Block + 7, EnableByte = Block + 15;
    private const byte Bit = 0x80;

    private readonly Bytes _real = new();
    private readonly HotAddEvent _event;

    public HotAddEventTests()
    {
        _event = new HotAddEvent(_real);
        Assert.Equal(Status.Ok, _event.Use(new AcpiConfiguration { Gpe0 = Block, Gpe0Length = 16 }, 63));
    }

    [Fact]
    public void The_ports_are_those_of_the_events_bits() => Assert.Equal((StatusByte, EnableByte), (_event.StatusPort, _event.EnablePort));

    [Fact]
    public void An_event_that_the_block_does_not_have_is_refused()
    {
        var none = new HotAddEvent(_real);
        Assert.Equal(Status.InvalidArgument, none.Use(new AcpiConfiguration { Gpe0 = Block, Gpe0Length = 16 }, 64));
        Assert.Equal(Status.InvalidArgument, none.Use(new AcpiConfiguration { Gpe0 = Block, Gpe0Length = 16 }, ulong.MaxValue));
        Assert.Equal(Status.InvalidArgument, none.Use(new AcpiConfiguration { Gpe0 = 0, Gpe0Length = 16 }, 1));
        Assert.Equal(Status.InvalidArgument, none.Use(new AcpiConfiguration { Gpe0 = 0xFFF8, Gpe0Length = 16 }, 1));
        Assert.False(none.Owns(0, 4));
        Assert.False(none.Raise());
        Assert.Equal(Status.InvalidState, _event.Use(new AcpiConfiguration { Gpe0 = Block, Gpe0Length = 16 }, 1));
    }

    [Fact]
    public void Only_an_enabled_event_happens()
    {
        Assert.False(_event.Raise());
        Assert.Equal(0u, _event.ReadPort(StatusByte, 1));
        _event.WritePort(EnableByte, 1, Bit);
        Assert.True(_event.Raise());
        Assert.Equal((uint)Bit, _event.ReadPort(StatusByte, 1));
    }

    [Fact]
    public void The_status_is_cleared_by_writing_one()
    {
        _event.WritePort(EnableByte, 1, Bit);
        _event.Raise();
        _event.WritePort(StatusByte, 1, 0x7F);
        Assert.Equal((uint)Bit, _event.ReadPort(StatusByte, 1) & Bit);
        _event.WritePort(StatusByte, 1, Bit);
        Assert.Equal(0u, _event.ReadPort(StatusByte, 1) & Bit);
    }

    [Fact]
    public void The_real_bits_are_neither_set_nor_seen()
    {
        _real[StatusByte] = 0xFF;
        _real[EnableByte] = 0xFF;
        Assert.Equal(0x7Fu, _event.ReadPort(StatusByte, 1));
        Assert.Equal(0x7Fu, _event.ReadPort(EnableByte, 1));
        _event.WritePort(StatusByte, 1, 0xFF);
        _event.WritePort(EnableByte, 1, 0xFF);
        Assert.Equal((0x7F, 0x7F), (_real[StatusByte], _real[EnableByte]));
        Assert.Equal(0xFFu, _event.ReadPort(EnableByte, 1));
    }

    [Fact]
    public void Where_the_hardware_has_no_registers_no_other_event_reads_as_enabled()
    {
        var none = new HotAddEvent(new Nothing());
        none.Use(new AcpiConfiguration { Gpe0 = Block, Gpe0Length = 16 }, 63);
        none.WritePort(EnableByte, 1, 0);
        none.WritePort(StatusByte, 1, 0xFF);
        Assert.Equal(0u, none.ReadPort(EnableByte, 1));
        none.WritePort((ushort)(EnableByte - 1), 2, 0x8000);
        Assert.Equal(0x80u, none.ReadPort(EnableByte, 1));
        Assert.Equal(0x80FFu, none.ReadPort((ushort)(EnableByte - 1), 2));
    }

    [Fact]
    public void Wide_accesses_leave_the_other_bytes_to_the_hardware()
    {
        for (ushort i = 0; i < 16; i++)
            _real[(ushort)(Block + i)] = (byte)(0x10 + i);
        _event.WritePort((ushort)(EnableByte - 3), 4, 0xFF33_2211);
        Assert.Equal((0x11, 0x22, 0x33, 0x7F), (_real[EnableByte - 3], _real[EnableByte - 2], _real[EnableByte - 1], _real[EnableByte]));
        Assert.True(_event.Raise());
        Assert.Equal(0x9716_1514u, _event.ReadPort((ushort)(StatusByte - 3), 4));
        Assert.Equal(0x1897u, _event.ReadPort(StatusByte, 2));
        Assert.Equal(0xFFu, _event.ReadPort(EnableByte, 1));
    }

    [Fact]
    public void Other_ports_are_the_real_ones()
    {
        _event.WritePort(0x80, 1, 0x55);
        Assert.Equal(0x55, _real[0x80]);
        Assert.Equal(0x55u, _event.ReadPort(0x80, 1));
        Assert.False(_event.Owns((ushort)(StatusByte + 1), 4));
        Assert.True(_event.Owns((ushort)(StatusByte - 3), 4));
        Assert.False(_event.Owns((ushort)(StatusByte - 4), 4));
    }

    // A shadow's platform is put on the real hardware through the event: its enable bit becomes the event's, and the hardware does not get it.
    [Fact]
    public void A_promoted_systems_enable_bit_is_taken_over_from_its_virtual_hardware()
    {
        var configuration = new AcpiConfiguration { Gpe0 = Block, Gpe0Length = 16 };
        var platform = new VirtualPlatform(new VirtualClock(), new PlatformConfiguration { ApicIds = [0], Acpi = configuration, ApicBusHertz = 1_000_000_000, TscHertz = 2_000_000_000 });
        platform.WritePort(EnableByte, 1, 0x81);
        platform.Acpi.Commit(_event);
        Assert.Equal(0x01, _real[EnableByte]);
        Assert.True(_event.Raise());
    }

    private sealed class Nothing : PortDevice
    {
        public override uint ReadPort(ushort port, int size) => uint.MaxValue >> (32 - 8 * size);

        public override void WritePort(ushort port, int size, uint value)
        {
        }
    }

    private sealed class Bytes : PortDevice
    {
        private readonly Dictionary<ushort, byte> _bytes = [];

        public int this[int port]
        {
            get => _bytes.GetValueOrDefault((ushort)port);
            set => _bytes[(ushort)port] = (byte)value;
        }

        public override uint ReadPort(ushort port, int size)
        {
            uint value = 0;
            for (int i = 0; i < size; i++)
                value |= (uint)this[port + i] << (8 * i);
            return value;
        }

        public override void WritePort(ushort port, int size, uint value)
        {
            for (int i = 0; i < size; i++)
                this[port + i] = (byte)(value >> (8 * i));
        }
    }
}
