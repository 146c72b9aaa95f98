using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests;

public sealed class DoubleFaultTests
{
    // SDM vol. 3, table 7-4 (classes) and 7-5 (combinations), for #GP as the second exception.
    [Theory]
    [InlineData(0, DoubleFaultOutcome.DoubleFault)]
    [InlineData(1, DoubleFaultOutcome.Serial)]
    [InlineData(3, DoubleFaultOutcome.Serial)]
    [InlineData(6, DoubleFaultOutcome.Serial)]
    [InlineData(7, DoubleFaultOutcome.Serial)]
    [InlineData(8, DoubleFaultOutcome.Shutdown)]
    [InlineData(10, DoubleFaultOutcome.DoubleFault)]
    [InlineData(11, DoubleFaultOutcome.DoubleFault)]
    [InlineData(12, DoubleFaultOutcome.DoubleFault)]
    [InlineData(13, DoubleFaultOutcome.DoubleFault)]
    [InlineData(14, DoubleFaultOutcome.DoubleFault)]
    [InlineData(16, DoubleFaultOutcome.Serial)]
    [InlineData(17, DoubleFaultOutcome.Serial)]
    [InlineData(18, DoubleFaultOutcome.Serial)]
    [InlineData(19, DoubleFaultOutcome.Serial)]
    [InlineData(21, DoubleFaultOutcome.DoubleFault)]
    public void A_general_protection_exception_during_another_one(byte first, DoubleFaultOutcome outcome) => Assert.Equal(outcome, DoubleFault.After(first));
}
