using System.Linq;
using System.Text;
using Hv.Drivers.Control;
using Hv.Kernel.Vm;
using Xunit;

namespace Hv.HostTests.Vm;

public sealed class ExitReasonNamesTests
{
    [Fact]
    public void Each_name_fits_into_the_status_and_only_Attention_shares_one_with_Unknown()
    {
        string[] names = [.. Enumerable.Range(0, (int)ExitReason.Count).Select(i => Encoding.ASCII.GetString(ExitReasonNames.Of((ExitReason)i)))];
        Assert.All(names, name => Assert.InRange(name.Length, 1, StatusBlock.ExitReasonNameLength));
        Assert.InRange(names.Length, 1, StatusBlock.MaximumExitReasons);
        Assert.Equal(names.Length - 1, names.Distinct().Count());
    }
}
