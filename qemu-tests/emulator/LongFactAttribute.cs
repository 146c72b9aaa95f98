using System;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>A fact that is shown only when asked for.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongFactAttribute : FactAttribute
{
    /// <summary>Says why it is not always shown.</summary>
    public LongFactAttribute(string reason) => Skip = LongTest.WhyNot(reason);
}
