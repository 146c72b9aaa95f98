using Hv.Kernel;
using Xunit;

namespace Hv.HostTests;

public sealed class ResultTests
{
    [Fact]
    public void A_result_is_either_a_value_or_a_reason()
    {
        Result<int> value = 7;
        Result<int> failure = Status.NotFound;
        Assert.True(value.IsOk);
        Assert.Equal(7, value.Value);
        Assert.False(failure.IsOk);
        Assert.Equal(Status.NotFound, failure.Status);
    }
}
