using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Power;

public sealed class WakingStateTests
{
    private VcpuState _state = new() { Cr3 = 5, Efer = 0x500, Rip = 77, InterruptShadow = true };

    [Fact]
    public void Real_mode_begins_at_the_vectors_paragraph_with_nothing_left_of_before()
    {
        Assert.True(WakingState.TryReal(0x9_A013, ref _state));
        Assert.Equal((0x9A01, 0x9_A010ul, 3ul), (_state.Cs.Selector, _state.Cs.Base, _state.Rip));
        Assert.Equal((0x10ul, 0ul, 0ul, 0ul, 2ul), (_state.Cr0, _state.Cr3, _state.Cr4, _state.Efer, _state.Rflags));
        Assert.Equal((0xFFFFu, 0ul, (ushort)0), (_state.Ss.Limit, _state.Ss.Base, _state.Ds.Selector));
        Assert.False(_state.InterruptShadow);
    }

    [Fact]
    public void Protected_mode_is_flat_and_without_paging()
    {
        Assert.True(WakingState.TryProtected(0x8765_4321, ref _state));
        Assert.Equal((0x8765_4321ul, 0x11ul, 0ul), (_state.Rip, _state.Cr0, _state.Efer));
        Assert.Equal((0ul, uint.MaxValue, uint.MaxValue), (_state.Cs.Base, _state.Cs.Limit, _state.Ds.Limit));
        Assert.NotEqual(0, _state.Cs.Attributes & SegmentState.AttributeDefault32);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0x10_0000u)]
    [InlineData(uint.MaxValue)]
    public void A_vector_that_real_mode_cannot_reach_is_refused(uint vector)
    {
        Assert.False(WakingState.TryReal(vector, ref _state));
        Assert.Equal(77ul, _state.Rip);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(1ul << 32)]
    public void A_vector_that_protected_mode_cannot_reach_is_refused(ulong vector) => Assert.False(WakingState.TryProtected(vector, ref _state));
}
