using System;
using Xunit;

namespace Hv.EmulatorTests;

/// <summary>A theory that is shown only when asked for.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongTheoryAttribute : TheoryAttribute
{
    /// <summary>Says why it is not always shown.</summary>
    public LongTheoryAttribute(string reason) => Skip = LongTest.WhyNot(reason);
}
