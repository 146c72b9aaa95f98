using Hv.Bench;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>How the emulators are told the number of processors.</summary>
public sealed class ProcessorArgumentsTests
{
    [Theory]
    [InlineData(1, "tcg,tb-size=96")]
    [InlineData(2, "tcg,tb-size=96,thread=multi")]
    [InlineData(4, "tcg,tb-size=96,thread=multi")]
    public void QEMU_has_a_thread_for_each_of_several(int processors, string accelerator) => Assert.Equal(accelerator, QemuSvm.Accelerator(processors));

    [Theory]
    [InlineData(1, "count=1,", false)]
    [InlineData(2, "count=2,", true)]
    [InlineData(4, "count=4,", true)]
    public void Bochs_has_no_MWAIT_with_several(int processors, string count, bool hasNoMwait)
    {
        string line = BochsVmx.ProcessorLine(processors);
        Assert.StartsWith("cpu: model=corei7_skylake_x, ", line, StringComparison.Ordinal);
        Assert.Contains(count, line, StringComparison.Ordinal);
        Assert.Equal(hasNoMwait, line.EndsWith(", exclude_features=\"mwait\"", StringComparison.Ordinal));
    }
}
