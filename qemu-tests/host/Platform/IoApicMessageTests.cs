using Hv.Drivers.Platform;
using Hv.Kernel.Time;
using Xunit;

namespace Hv.HostTests;

/// <summary>What the real I/O APIC would send for a pin; a virtual one stands for it.</summary>
public sealed class IoApicMessageTests
{
    private const int Pin = 9;
    private const ulong Select = 0, Window = 0x10;

    private readonly IoApic _real = new(new ApicBus([new LocalApic(new VirtualClock(), 0, 1_000_000_000, 2_000_000_000, false, false)]));

    [Theory]
    [InlineData(0x0000_A021u, 0x00u, 0xFEE0_0000ul, 0x021u)] // level, active low, fixed, physical
    [InlineData(0x0000_8931u, 0x05u, 0xFEE0_5004ul, 0x131u)] // lowest priority, logical
    public void It_is_the_entrys_vector_mode_and_destination(uint low, uint destination, ulong address, uint data)
    {
        Write(0x10 + 2 * Pin, low);
        Write(0x11 + 2 * Pin, destination << 24);
        Assert.True(IoApic.TryReadMessage(_real, Pin, out ulong readAddress, out uint readData));
        Assert.Equal((address, data), (readAddress, readData));
    }

    [Fact]
    public void A_masked_pin_or_one_that_does_not_exist_sends_nothing()
    {
        Write(0x10 + 2 * Pin, 0x1_0021);
        Assert.False(IoApic.TryReadMessage(_real, Pin, out _, out _));
        Assert.False(IoApic.TryReadMessage(_real, 24, out _, out _));
        Assert.False(IoApic.TryReadMessage(_real, 255, out _, out _));
        Assert.False(IoApic.TryReadMessage(_real, -1, out _, out _));
    }

    [Fact]
    public void What_the_guest_has_selected_stays_selected()
    {
        _real.WriteMmio(Select, 4, 0x2A);
        _ = IoApic.TryReadMessage(_real, Pin, out _, out _);
        Assert.Equal(0x2Aul, _real.ReadMmio(Select, 4));
    }

    private void Write(uint register, uint value)
    {
        _real.WriteMmio(Select, 4, register);
        _real.WriteMmio(Window, 4, value);
    }
}
