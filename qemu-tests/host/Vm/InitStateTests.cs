using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class InitStateTests
{
    [Fact]
    public void INIT_leaves_what_system_software_has_set_up_once()
    {
        VcpuState state = default;
        state.Cr0 = 0xE005_0033;
        state.Cr3 = 0x1000;
        state.Cr4 = 0x20;
        state.Efer = 0xD00;
        state.Pat = 0x0407_0506_0007_0106;
        state.Lstar = 0xFFFF_8000_0000_0000;
        state.SysenterEip = 0x1234;
        state.Rflags = 0x246;
        WakingState.Initialize(ref state);
        Assert.Equal(0x6000_0010ul, state.Cr0);
        Assert.Equal(0ul, state.Cr3 | state.Cr4 | state.Efer);
        Assert.Equal(0x0407_0506_0007_0106ul, state.Pat);
        Assert.Equal(0xFFFF_8000_0000_0000ul, state.Lstar);
        Assert.Equal(0x1234ul, state.SysenterEip);
        Assert.Equal(2ul, state.Rflags);
    }

    [Theory]
    [InlineData(0x08)]
    [InlineData(0x9A)]
    public void A_start_up_message_begins_in_real_mode_at_its_page(int vector)
    {
        VcpuState state = default;
        WakingState.Initialize(ref state);
        WakingState.StartAt((byte)vector, ref state);
        Assert.Equal(0ul, state.Rip);
        Assert.Equal((ulong)vector << 12, state.Cs.Base);
        Assert.Equal((ushort)(vector << 8), state.Cs.Selector);
        Assert.Equal(0xFFFFu, state.Cs.Limit);
        Assert.Equal(0ul, state.Ds.Base | state.Ss.Base | state.Es.Base);
    }
}
