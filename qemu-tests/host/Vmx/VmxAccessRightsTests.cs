using Hv.Kernel.Vm;
using Hv.Kernel.Vmx;
using Xunit;

namespace Hv.HostTests;

public sealed class VmxAccessRightsTests
{
    [Theory]
    [InlineData(0xA9B, 0xA09Bu)] // 64-bit code
    [InlineData(0xC93, 0xC093u)] // flat data
    [InlineData(0x09B, 0x009Bu)] // real-mode code
    [InlineData(0x08B, 0x008Bu)] // busy TSS
    [InlineData(0x082, 0x0082u)] // LDT
    [InlineData(0xAFB, 0xA0FBu)] // 64-bit code of ring 3
    public void Known_segments_are_coded_as_the_manual_says(int attributes, uint rights)
    {
        Assert.Equal(rights, VmxAccessRights.FromAttributes((ushort)attributes));
        Assert.Equal((ushort)attributes, VmxAccessRights.ToAttributes(rights));
    }

    [Fact]
    public void A_segment_that_is_not_present_is_unusable_and_keeps_its_privilege_level()
    {
        Assert.Equal(VmxAccessRights.Unusable, VmxAccessRights.FromAttributes(0));
        SegmentState ss = default;
        ss.Attributes = VmxAccessRights.ToAttributes(VmxAccessRights.Unusable | 3 << 5 | 1 << 7);
        Assert.Equal(0, ss.Attributes & SegmentState.AttributePresent);
        Assert.Equal(3, ss.PrivilegeLevel);
    }

    [Fact]
    public void All_attributes_survive_the_way_there_and_back_but_loaded_segments_are_accessed()
    {
        for (int attributes = 0; attributes < 0x1000; attributes++)
        {
            bool present = (attributes & 1 << 7) != 0, codeOrData = (attributes & 1 << 4) != 0;
            uint rights = VmxAccessRights.FromAttributes((ushort)attributes);
            Assert.Equal(!present, (rights & VmxAccessRights.Unusable) != 0);
            Assert.Equal(0u, rights & 0xF00);
            Assert.Equal(present && codeOrData ? attributes | 1 : attributes, VmxAccessRights.ToAttributes(rights));
        }
    }
}
