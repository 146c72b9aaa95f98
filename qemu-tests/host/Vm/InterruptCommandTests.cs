using Hv.Kernel.Processor;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class InterruptCommandTests
{
    // As Linux and EDK II send them.
    [Theory]
    [InlineData(0x000C_4500u, true, false, true, false)]  // INIT, all but self
    [InlineData(0x0000_C500u, true, false, false, false)] // INIT, level, assert
    [InlineData(0x0000_8500u, true, false, false, true)]  // INIT, level, de-assert
    [InlineData(0x0000_4699u, false, true, false, false)] // start-up at 99000h
    [InlineData(0x0000_08FDu, false, false, false, false)] // fixed, logical
    [InlineData(0x0000_0400u, false, false, false, false)] // NMI
    public void Init_and_start_up_are_told_from_the_rest(uint value, bool isInit, bool isStartUp, bool isToOthers, bool isDeassert)
    {
        var command = new InterruptCommand(value);
        Assert.Equal(isInit, command.IsInit);
        Assert.Equal(isStartUp, command.IsStartUp);
        Assert.Equal(isToOthers, command.IsToOthers);
        Assert.Equal(isDeassert, command.IsDeassert);
        Assert.Equal((byte)value, command.Vector);
    }

    [Fact]
    public void Commands_for_one_processor_have_no_shorthand()
    {
        Assert.Equal(0x4500u, InterruptCommand.Init);
        Assert.Equal(0x4699u, InterruptCommand.StartUp(0x99));
    }

    [Fact]
    public void A_shorthand_takes_the_place_of_the_destination()
    {
        Assert.True(new InterruptCommand(0x0004_0000).IsToSelf);
        Assert.True(new InterruptCommand(0x0008_0000).IsToAll);
        Assert.False(new InterruptCommand(0x0008_0800).IsLogical);
        Assert.True(new InterruptCommand(0x0000_0800).IsLogical);
        Assert.False(new InterruptCommand(0x0000_0800).HasShorthand);
        Assert.Equal(0x4500u, new InterruptCommand(0x000C_4500).WithoutShorthand);
    }
}
