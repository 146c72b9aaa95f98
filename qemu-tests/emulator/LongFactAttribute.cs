using System;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>A test that takes a quarter of an hour or more, run where HV_LONG_TESTS is 1.</summary>
public sealed class LongFactAttribute : FactAttribute
{
    public LongFactAttribute()
    {
        if (Environment.GetEnvironmentVariable("HV_LONG_TESTS") != "1")
            Skip = "takes a quarter of an hour or more, and its time limits are not settled yet: run it with HV_LONG_TESTS=1";
    }
}
