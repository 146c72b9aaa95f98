using Hv.Kernel;
using Hv.Kernel.Vmx;
using Xunit;

namespace Hv.HostTests;

public sealed class VmxControlsTests
{
    // A server processor of 2017, as its capability MSRs read.
    private static VmxCapabilities Skylake()
    {
        VmxCapabilities capabilities = default;
        capabilities.Basic = 0x00DA_0400_0000_0004;
        capabilities.PinBased = 0x0000_00FF_0000_0016;
        capabilities.ProcessorBased = 0xFFF9_FFFE_0400_6172;
        capabilities.Secondary = 0x0055_3CFE_0000_0000;
        capabilities.Exit = 0x01FF_FFFF_0003_6DFB;
        capabilities.Entry = 0x0003_FFFF_0000_11FB;
        capabilities.Misc = 0x7004_C1E7;
        capabilities.EptVpid = 0x0000_0F01_0633_4141 | 1 << 20;
        capabilities.Cr0Fixed0 = 0x8000_0021;
        capabilities.Cr0Fixed1 = 0xFFFF_FFFF;
        capabilities.Cr4Fixed0 = 0x2000;
        capabilities.Cr4Fixed1 = 0x0037_67FF;
        return capabilities;
    }

    [Fact]
    public void A_processor_with_everything_gets_the_controls_that_are_needed_and_the_ones_it_insists_on()
    {
        VmxCapabilities capabilities = Skylake();
        Result<VmxControls> controls = VmxControls.Choose(in capabilities);
        Assert.True(controls.IsOk);
        Assert.Equal(0x16u | VmxControl.PinNmiExiting | VmxControl.PinVirtualNmis, controls.Value.PinBased);
        Assert.Equal(0x0400_6172u | VmxControl.UseIoBitmaps | VmxControl.UseMsrBitmaps | VmxControl.ActivateSecondary, controls.Value.ProcessorBased);
        Assert.Equal(VmxControl.EnableEpt | VmxControl.UnrestrictedGuest | VmxControl.EnableVpid | VmxControl.EnableRdtscp |
            VmxControl.EnableInvpcid | VmxControl.EnableXsaves, controls.Value.Secondary);
        Assert.Equal(0u, controls.Value.Exit & VmxControl.ExitAcknowledgeInterrupt);
        Assert.Equal(0u, controls.Value.Entry & VmxControl.EntryIa32eMode);
        Assert.Equal(4u, capabilities.RevisionId);
        Assert.Equal(7, capabilities.PreemptionTimerShift);
        Assert.True(capabilities.HasHugePages);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MWAIT_exits_where_the_processor_has_it(bool hasMwait)
    {
        VmxCapabilities capabilities = Skylake();
        if (!hasMwait)
            capabilities.ProcessorBased &= ~((ulong)VmxControl.MwaitExiting << 32);
        Result<VmxControls> controls = VmxControls.Choose(in capabilities);
        Assert.True(controls.IsOk);
        Assert.Equal(VmxControl.HltExiting | (hasMwait ? VmxControl.MwaitExiting : 0), controls.Value.HaltExiting);
    }

    [Fact]
    public void What_is_only_wished_for_may_be_missing()
    {
        VmxCapabilities capabilities = Skylake();
        capabilities.Secondary = (ulong)(VmxControl.EnableEpt | VmxControl.UnrestrictedGuest) << 32;
        Result<VmxControls> controls = VmxControls.Choose(in capabilities);
        Assert.True(controls.IsOk);
        Assert.Equal(VmxControl.EnableEpt | VmxControl.UnrestrictedGuest, controls.Value.Secondary);
    }

    [Theory]
    [InlineData(nameof(VmxCapabilities.PinBased), VmxControl.PinNmiExiting)]
    [InlineData(nameof(VmxCapabilities.PinBased), VmxControl.PinVirtualNmis)]
    [InlineData(nameof(VmxCapabilities.PinBased), VmxControl.PinPreemptionTimer)]
    [InlineData(nameof(VmxCapabilities.ProcessorBased), VmxControl.UseMsrBitmaps)]
    [InlineData(nameof(VmxCapabilities.ProcessorBased), VmxControl.HltExiting)]
    [InlineData(nameof(VmxCapabilities.ProcessorBased), VmxControl.Cr8LoadExiting)]
    [InlineData(nameof(VmxCapabilities.Secondary), VmxControl.EnableEpt)]
    [InlineData(nameof(VmxCapabilities.Secondary), VmxControl.UnrestrictedGuest)]
    [InlineData(nameof(VmxCapabilities.Exit), VmxControl.ExitLoadEfer)]
    [InlineData(nameof(VmxCapabilities.Entry), VmxControl.EntryLoadPat)]
    public void A_processor_without_something_needed_is_refused(string register, uint control)
    {
        VmxCapabilities capabilities = Skylake();
        ulong gone = ~((ulong)control << 32 | control);
        switch (register)
        {
            case nameof(VmxCapabilities.PinBased): capabilities.PinBased &= gone; break;
            case nameof(VmxCapabilities.ProcessorBased): capabilities.ProcessorBased &= gone; break;
            case nameof(VmxCapabilities.Secondary): capabilities.Secondary &= gone; break;
            case nameof(VmxCapabilities.Exit): capabilities.Exit &= gone; break;
            case nameof(VmxCapabilities.Entry): capabilities.Entry &= gone; break;
        }
        Assert.Equal(Status.Unsupported, VmxControls.Choose(in capabilities).Status);
    }

    [Fact]
    public void A_processor_that_insists_on_exits_for_CR3_is_refused()
    {
        VmxCapabilities capabilities = Skylake();
        capabilities.ProcessorBased |= VmxControl.Cr3LoadExiting | VmxControl.Cr3StoreExiting;
        Assert.Equal(Status.Unsupported, VmxControls.Choose(in capabilities).Status);
    }

    [Theory]
    [InlineData(1ul << 6)]  // four levels
    [InlineData(1ul << 14)] // write-back tables
    [InlineData(1ul << 16)] // 2 MiB pages
    [InlineData(1ul << 20)] // INVEPT
    [InlineData(3ul << 25)] // INVEPT's types
    public void A_processor_with_a_lesser_EPT_is_refused(ulong missing)
    {
        VmxCapabilities capabilities = Skylake();
        capabilities.EptVpid &= ~missing;
        Assert.Equal(Status.Unsupported, VmxControls.Choose(in capabilities).Status);
    }

    [Theory]
    [InlineData(0u, 0u, 0xFFFF_FFFF_0000_0016ul, true, 0x16u)]
    [InlineData(8u, 1u, 0x0000_00FF_0000_0016ul, true, 0x1Fu)]
    [InlineData(0u, 0x100u, 0x0000_00FF_0000_0016ul, true, 0x16u)]
    [InlineData(0x100u, 0u, 0x0000_00FF_0000_0016ul, false, 0x16u)]
    public void Adjusting_adds_what_must_be_and_drops_what_cannot_be(uint needed, uint wished, ulong capability, bool possible, uint controls)
    {
        Assert.Equal(possible, VmxControls.Adjust(needed, wished, capability, out uint adjusted));
        Assert.Equal(controls, adjusted);
    }
}
