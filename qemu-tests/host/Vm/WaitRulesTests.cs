using Hv.Kernel.Instructions;
using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class WaitRulesTests
{
    private const ulong Fixed = 1 << 1;

    [Theory]
    [InlineData(false, true, 0u, true)]
    [InlineData(false, false, 0u, false)]
    [InlineData(false, false, 1u, false)] // ECX means nothing to HLT.
    [InlineData(true, true, 0u, true)]
    [InlineData(true, false, 0u, false)]
    [InlineData(true, false, 1u, true)]
    [InlineData(true, false, 2u, false)]
    public void An_interrupt_ends_a_wait_only_where_the_manuals_say_so(bool isMonitorWait, bool interrupts, uint ecx, bool ends) =>
        Assert.Equal(ends, WaitRules.EndsOnInterrupt(isMonitorWait, Fixed | (interrupts ? Rflags.Interrupt : 0), ecx));

    [Theory]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(true, true, false)]
    [InlineData(true, false, false)]
    public void Only_HLT_with_interrupts_off_is_for_good(bool isMonitorWait, bool interrupts, bool forGood) =>
        Assert.Equal(forGood, WaitRules.IsForGood(isMonitorWait, Fixed | (interrupts ? Rflags.Interrupt : 0)));

    [Theory]
    [InlineData(0x1000, true)] // The time was over before it began.
    [InlineData(0x1003, true)]
    [InlineData(0x1002, false)]
    [InlineData(0x1004, false)] // MWAIT has ended by itself.
    [InlineData(0x9000, false)]
    [InlineData(0x0FFF, false)]
    public void Only_a_processor_that_is_still_at_its_MWAIT_waits(ulong rip, bool waits) => Assert.Equal(waits, WaitRules.StillWaits(rip, 0x1000, 3));
}
