using Hv.Kernel.Svm;
using Xunit;

namespace Hv.HostTests;

public sealed class SvmEventTests
{
    [Theory]
    [InlineData(0x0000_0000_0000_030Eul, 0ul)]                     // not valid
    [InlineData(0x0000_0006_8000_0B0Eul, 0x0000_0006_8000_0B0Eul)] // page fault with its error code
    [InlineData(0x0000_0000_8000_00ECul, 0x0000_0000_8000_00ECul)] // external interrupt
    [InlineData(0x0000_0000_8000_03ECul, 0x0000_0000_8000_00ECul)] // the same, as QEMU reports it
    [InlineData(0x0000_0000_8000_0320ul, 0x0000_0000_8000_0020ul)]
    [InlineData(0x0000_0000_8000_031Ful, 0x0000_0000_8000_031Ful)]
    [InlineData(0x0000_0000_8000_0202ul, 0x0000_0000_8000_0202ul)] // NMI
    [InlineData(0x0000_0000_8000_0480ul, 0ul)]                     // INT 80h
    public void An_event_whose_delivery_an_exit_has_interrupted_is_repeated(ulong interrupted, ulong repeated) =>
        Assert.Equal(repeated, SvmBackend.EventToRepeat(interrupted));
}
