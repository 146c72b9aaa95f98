using System.Linq;
using Hv.ShadowControl;
using Xunit;

namespace Hv.HostTests.Shadowctl;

public sealed class FixedResourcesTests
{
    private const string Device = "0000:00:01.0";
    private const string Memory = "c0000000-febfffff : PCI Bus 0000:00\n  c0000000-c0ffffff : 0000:00:01.0\n";
    private const string Ports = "0000-0cf7 : PCI Bus 0000:00\n8000-803f : 0000:00:01.0\n";

    [Theory]
    [InlineData("0x00000000c0000000 0x00000000c0ffffff 0x0000000000040210", false)]
    [InlineData("0x00000000c1000000 0x00000000c1000fff 0x0000000000040210", true)]
    // Not fixed: the kernel has chosen the place itself, or will.
    [InlineData("0x00000000c1000000 0x00000000c1000fff 0x0000000000040200", false)]
    [InlineData("0x0000000000008000 0x000000000000803f 0x0000000000040110", false)]
    [InlineData("0x0000000000009000 0x000000000000903f 0x0000000000040110", true)]
    [InlineData("0x0000000000000000 0x0000000000000000 0x0000000000000000", false)]
    public void A_device_is_homeless_if_a_fixed_register_range_has_not_got_its_place(string line, bool isHomeless)
    {
        Assert.Equal(isHomeless, FixedResources.AreHomeless(Device, line + "\n", Memory, Ports));
    }

    [Fact]
    public void The_copy_of_a_displays_ROM_is_fixed_but_no_register_range()
    {
        string[] lines = [.. Enumerable.Repeat("0x0000000000000000 0x0000000000000000 0x0000000000000000", 13)];
        lines[0] = "0x00000000c0000000 0x00000000c0ffffff 0x0000000000040210";
        lines[6] = "0x00000000000c0000 0x00000000000dffff 0x0000000000000212";
        Assert.False(FixedResources.AreHomeless(Device, string.Join('\n', lines), Memory, Ports));
    }
}
